package fault

import "strings"

// blotted stands where a key stood. It tells nothing of it, not even its length.
const blotted = "[key]"

// Blot returns s with every run that looks like a credential replaced by "[key]": keys with a maker's prefix (sk-, AIza,
// gsk_, wr- …), JSON Web Tokens, what follows Bearer or Basic, the values of key-like names (x-api-key: …, api_key=…,
// "token": "…"), the password of a URL, and runs of 32 or more letters and digits near a word like key or secret. Prose,
// names of models, UUIDs and the ids of requests and answers stay. It errs towards blotting.
//
// It reads s once, in linear time, and returns s itself, without allocating, when there is nothing to blot.
func Blot(s string) string {
	b := blotter{s: s, hint: -far - 1}
	for b.i < len(s) {
		if !isWord(s[b.i]) {
			if s[b.i] == ':' && strings.HasPrefix(s[b.i:], "://") {
				b.userinfo()
				continue
			}
			b.i++
			continue
		}
		end := b.i + 1
		for end < len(s) && isWord(s[end]) {
			end++
		}
		b.word(b.i, end)
	}
	if b.from == 0 && len(b.out) == 0 {
		return s
	}
	return string(append(b.out, s[b.from:]...))
}

// far is how many bytes a long run may be away from a word that makes it suspicious.
const far = 48

type blotter struct {
	s    string
	i    int // read up to here
	from int // in out up to here
	out  []byte

	hint  int    // where the last suspicious word ended
	maybe [2]int // the last long run that no such word stood before; one may follow
	run   [2]int // the run of value bytes looked at last
}

func (b *blotter) blot(start, end int) {
	b.blotMaybe(start)
	b.out = append(append(b.out, b.s[b.from:start]...), blotted...)
	b.from, b.i = end, end
}

// blotMaybe blots a long run shortly before i, where something suspicious starts.
func (b *blotter) blotMaybe(i int) {
	if m := b.maybe; m[1] > 0 && i-m[1] <= far/2 {
		b.out = append(append(b.out, b.s[b.from:m[0]]...), blotted...)
		b.from = m[1]
	}
	b.maybe = [2]int{}
}

// word looks at s[start:end], a run of letters, digits, hyphens and underscores.
func (b *blotter) word(start, end int) {
	s := b.s
	b.i = end
	w := s[start:end]
	if n := b.prefixed(start, end); n > 0 {
		b.blot(start, n)
		return
	}
	if strings.HasPrefix(w, "eyJ") && len(w) >= 10 && end+1 < len(s) && s[end] == '.' && isWord(s[end+1]) {
		for end < len(s) && (isWord(s[end]) || s[end] == '.' && end+1 < len(s) && isWord(s[end+1])) {
			end++
		}
		b.blot(start, end)
		return
	}
	if len(w) <= longestName {
		if kind := nameKind(w); kind != notAName {
			b.blotMaybe(start)
			b.hint = end
			if kind == aScheme {
				b.scheme(start, end)
			} else {
				b.named(start, end, kind)
			}
			return
		}
	}
	if start, end, ok := longRun(s, start, end); ok {
		if start-b.hint <= far {
			b.blot(start, end)
			return
		}
		b.i = end
		b.maybe = [2]int{start, end}
	}
}

// scheme looks at what follows the name of an authorization scheme, s[start:end].
func (b *blotter) scheme(start, end int) {
	from := end
	for from < len(b.s) && (b.s[from] == ' ' || b.s[from] == ':') {
		from++
	}
	if from == end {
		return
	}
	stop := b.valueEnd(from)
	v := b.s[from:stop]
	switch {
	case isProse(v) || strings.HasSuffix(v, "=") && isLower(v[:len(v)-1]): // the latter: realm="…"
	case b.s[start]|0x20 == 'b' && end-start == len("basic"):
		if len(v) >= 8 && isCoded(head(v)) {
			b.blot(from, stop)
		}
	case isCoded(head(v)), len(v) >= 20, len(v) >= 3 && isLower(v) && b.s[start] == 'B':
		b.blot(from, stop)
	}
}

// named looks at what is assigned to the key-like name s[start:end].
func (b *blotter) named(start, end int, kind nameClass) {
	s := b.s
	i := end
	for i < len(s) && (s[i] == '"' || s[i] == '\'' || s[i] == '\\') {
		i++
	}
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i >= len(s) || s[i] != ':' && s[i] != '=' {
		return
	}
	plain := s[i] == ':' // as prose has it, too
	i++
	for i < len(s) && (s[i] == ' ' || s[i] == '"' || s[i] == '\'' || s[i] == '\\' || s[i] == '[') {
		plain = plain && s[i] == ' '
		i++
	}
	stop := b.valueEnd(i)
	v := s[i:stop]
	if len(v) <= longestName && nameKind(v) == aScheme && stop < len(s) && s[stop] == ' ' {
		for i = stop; i < len(s) && s[i] == ' '; i++ {
		}
		stop = b.valueEnd(i)
		if v = s[i:stop]; v != "" && !isProse(v) && !strings.HasPrefix(s[i:], "${") {
			b.blot(i, stop)
		}
		return
	}
	query := s[end] == '=' && start > 0 && (s[start-1] == '?' || s[start-1] == '&')
	switch {
	case v == "" || v == "null" || isProse(v) || strings.HasPrefix(s[i:], "${"):
	case query, mixedRun(head(v), 16):
		b.blot(i, stop)
	case kind == aWord:
	case !plain, isCoded(head(v)), isLower(v) && (stop == len(s) || s[stop] != ' '):
		b.blot(i, stop)
	}
}

// userinfo blots the password of a URL; b.i is at its "://".
func (b *blotter) userinfo() {
	b.i += len("://")
	colon := -1
	for i := b.i; i < len(b.s); i++ {
		switch c := b.s[i]; {
		case c == '@':
			if colon >= 0 && i > colon+1 {
				b.blot(colon+1, i)
			}
			return
		case c == ':' && colon < 0:
			colon = i
		case c <= ' ' || c == '/' || c == '?' || c == '#' || c == '"' || i-b.i > 512:
			return
		}
	}
}

// prefixes begin the keys of makers. Where the rest of such a key is one run of letters and digits, run is how long that
// run is at least; else length is how long the rest is at least.
var prefixes = []struct {
	text        string
	length, run int
}{
	{"sk-", 6, 0},
	{"sk_", 6, 12},
	{"wr-", 8, 0},
	{"gsk_", 8, 0},
	{"csk-", 8, 12},
	{"AIza", 16, 0},
	{"AKIA", 12, 12},
	{"ASIA", 12, 12},
	{"ABSK", 16, 16},
	{"xai-", 16, 16},
	{"pplx-", 16, 16},
	{"nvapi-", 16, 0},
	{"hf_", 16, 16},
	{"r8_", 16, 16},
	{"fw_", 16, 16},
	{"jina_", 16, 16},
	{"tgp_v1_", 16, 0},
	{"dapi", 32, 32},
	{"ghp_", 16, 16},
	{"gho_", 16, 16},
	{"ghs_", 16, 16},
	{"github_pat_", 16, 16},
	{"glpat-", 16, 0},
	{"xoxb-", 16, 0},
	{"xoxp-", 16, 0},
	{"ya29", 0, 0},
}

// initials are the bytes that a prefix begins with.
var initials = func() (in [256]bool) {
	for _, p := range prefixes {
		in[p.text[0]] = true
	}
	return in
}()

// prefixed returns where the key with a maker's prefix at start ends, 0 if there is none.
func (b *blotter) prefixed(start, end int) int {
	w := b.s[start:end]
	if !initials[w[0]] {
		return 0
	}
	for _, p := range prefixes {
		if !strings.HasPrefix(w, p.text) {
			continue
		}
		rest := w[len(p.text):]
		// Providers mask keys in their messages with stars; what they leave is still a hint.
		stop := end
		for stop < len(b.s) && (isWord(b.s[stop]) || b.s[stop] == '*') {
			stop++
		}
		switch {
		case p.text == "ya29":
			if rest == "" && end+20 < len(b.s) && b.s[end] == '.' && isWord(b.s[end+1]) {
				return b.valueEnd(end)
			}
		case stop > end, len(rest) >= p.length && (p.run == 0 || hasRun(rest, p.run)):
			return stop
		}
	}
	return 0
}

// longRun reports whether the word s[start:end] begins a run of at least 32 letters and digits that is no word, or of 40
// characters of base64, and where it ends. An id keeps its prefix in front (resp_…), a UUID has hyphens: neither is one.
func longRun(s string, start, end int) (int, int, bool) {
	alnum := start
	for alnum < end && isAlnum(s[alnum]) {
		alnum++
	}
	if alnum == end && end-start >= 32 && mixedRun(s[start:end], 32) {
		return start, end, true
	}
	// Only at the beginning of a run, so that no byte is looked at in two.
	if alnum < end || start > 0 && (s[start-1] == '/' || s[start-1] == '+' || s[start-1] == '.') || end >= len(s) || s[end] != '/' && s[end] != '+' {
		return 0, 0, false
	}
	for limit := min(len(s), start+256); end < limit && (isAlnum(s[end]) || s[end] == '/' || s[end] == '+' || s[end] == '='); {
		end++
	}
	if end < len(s) && (isWord(s[end]) || s[end] == '.' && end+1 < len(s) && isWord(s[end+1])) || end-start < 40 {
		return 0, 0, false
	}
	var lower, upper, digit bool
	for _, c := range []byte(s[start:end]) {
		lower = lower || c >= 'a' && c <= 'z'
		upper = upper || c >= 'A' && c <= 'Z'
		digit = digit || c >= '0' && c <= '9'
	}
	return start, end, lower && upper && digit
}

// head is as much of a value as is looked at to judge it. Values may overlap, and their number is not bounded.
func head(v string) string { return v[:min(len(v), 256)] }

// valueEnd returns the end of the value that starts at i: the first byte that is part of no credential.
func (b *blotter) valueEnd(i int) int {
	s := b.s
	if i < b.run[0] || i >= b.run[1] {
		end := i
		for end < len(s) && (isWord(s[end]) || strings.IndexByte("./+=~*%:$!@^", s[end]) >= 0) {
			end++
		}
		b.run = [2]int{i, end}
	}
	end := b.run[1]
	// A full stop or colon at the end is the sentence's.
	for end > i && (s[end-1] == '.' || s[end-1] == ':') {
		end--
	}
	return end
}

// nameClass says how much a name tells about the value assigned to it.
type nameClass uint8

const (
	notAName nameClass = iota
	aWord              // key: prose uses it too
	aName              // api_key: what is assigned to it is a key
	aScheme            // Bearer: what follows is a key
)

const longestName = 26

// nameKind looks a name up, in any case and with hyphens for underscores; it is at most longestName long.
func nameKind(w string) nameClass {
	var lower [longestName]byte
	for i := range len(w) {
		c := w[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		} else if c == '_' {
			c = '-'
		}
		lower[i] = c
	}
	return keyNames[string(lower[:len(w)])]
}

var keyNames = map[string]nameClass{
	"key": aWord, "keys": aWord, "token": aWord, "secret": aName, "credential": aWord, "credentials": aWord,
	"api-key": aName, "apikey": aName, "access-key": aName, "secret-key": aName, "secret-access-key": aName, "aws-secret-access-key": aName,
	"aws-session-token": aName, "access-token": aName, "auth-token": aName, "refresh-token": aName, "id-token": aName, "session-token": aName, "api-token": aName,
	"client-secret": aName, "password": aName, "passwd": aName, "private-key": aName, "master-key": aName,
	"x-amz-signature": aName, "x-amz-security-token": aName, "x-amz-credential": aName,
	"x-api-key": aName, "x-goog-api-key": aName, "ocp-apim-subscription-key": aName, "authorization": aName, "proxy-authorization": aName,
	"bearer": aScheme, "basic": aScheme,
}

func isProse(v string) bool { return len(v) <= longestName && prose[v] }

// prose is what sentences about credentials say where the credential would stand.
var prose = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(`a access an and api are as auth authentication authorization authorisation by cannot check credential
		credentials empty error expired for format from has header headers if in invalid is key keys malformed may missing model must no none not
		of on only or please prefix provided realm required scheme should string the to token tokens type undefined unknown use value was with wrong
		Authentication Authorization Auth Token Tokens Key Please The`) {
		m[w] = true
	}
	return m
}()

// mixedRun reports whether s has a run of at least n letters and digits with both among them.
func mixedRun(s string, n int) bool {
	run := 0
	var letter, digit bool
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) {
			run, letter, digit = 0, false, false
			continue
		}
		run++
		if c <= '9' {
			digit = true
		} else {
			letter = true
		}
		if run >= n && letter && digit {
			return true
		}
	}
	return false
}

// hasRun reports whether s has a run of at least n letters and digits.
func hasRun(s string, n int) bool {
	run := 0
	for i := range len(s) {
		if run++; !isAlnum(s[i]) {
			run = 0
		}
		if run >= n {
			return true
		}
	}
	return false
}

// isCoded reports whether s is not written like a word: it has a digit, a star or a capital inside.
func isCoded(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c == '*' || i > 0 && c >= 'A' && c <= 'Z' && s[i-1] >= 'a' && s[i-1] <= 'z' {
			return true
		}
	}
	return false
}

func isLower(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isWord(c byte) bool { return isAlnum(c) || c == '-' || c == '_' }
