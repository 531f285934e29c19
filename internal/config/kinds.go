package config

import (
	"math"
	"net"
	"net/textproto"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size in bytes. It is written with a unit: 32MiB, 64KB, 512B.
type Bytes int64

// String returns the size in its largest whole unit.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

type unit struct {
	name string
	size int64
}

var byteUnits = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// Longer names stand first where one ends in another.
var timeUnits = []unit{{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}, {"w", 7 * 86400e9}, {"y", 365 * 86400e9}}

// setting is what a value may need to know of its document.
type setting struct {
	dir string // the document's folder
	opt *Options
}

// flaw says why a text is not a value of its kind. An empty message stands for "expected NOUN, found …".
type flaw struct{ message, hint string }

// A kind is a sort of scalar. parse reads the text into v; nil means it did. show writes v as parse would read it.
type kind struct {
	noun     string   // "a duration such as 30s"
	json     string   // its type in JSON Schema: string, integer, boolean
	pattern  string   // of the text, for the schema
	words    []string // of an enumeration
	missing  []string // those of them that this build refuses
	units    bool     // written with a unit, so that a bare number is a text that lacks it
	parse    func(text string, v reflect.Value, set *setting) *flaw
	show     func(v reflect.Value) string
	describe string // how it is written, for the reference page
}

func showText(v reflect.Value) string { return v.String() }
func showInt(v reflect.Value) string  { return strconv.FormatInt(v.Int(), 10) }

// textKind is a kind whose value is the text itself, if check has nothing against it.
func textKind(noun, pattern, describe string, check func(string) *flaw) *kind {
	return &kind{
		noun: noun, json: "string", pattern: pattern, describe: describe, show: showText,
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			if f := check(text); f != nil {
				return f
			}
			v.SetString(text)
			return nil
		},
	}
}

// wordKind is an enumeration.
func wordKind(words []string) *kind {
	noun := "`" + strings.Join(words, "`, `") + "`"
	if i := strings.LastIndex(noun, ", "); i >= 0 {
		noun = noun[:i] + " or" + noun[i+1:]
	}
	k := textKind(noun, "", noun, func(s string) *flaw {
		if slices.Contains(words, s) {
			return nil
		}
		return &flaw{hint: didYouMean(s, words)}
	})
	k.words = words
	return k
}

const (
	namePattern     = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
	modelPattern    = `^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$`
	durationPattern = `^[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w|y)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w|y))*$|^0$`
	maxName         = 256
)

var auths = []string{"bearer", "x-api-key", "x-goog-api-key", "api-key", "aws", "google", "azure", "none"}

// kinds is the table of scalars, by the word of the `is` tag.
var kinds = withLimits(map[string]*kind{
	"version": {
		noun: "the version 1", json: "integer", words: []string{"1"}, show: showInt, describe: "1",
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			if text != "1" {
				return &flaw{"this build reads version 1 of the document", "write `version: 1`"}
			}
			v.SetInt(1)
			return nil
		},
	},
	"name": textKind("a name such as web-shop", namePattern, "name", func(s string) *flaw {
		return checkName(s, "._-", "a name takes letters, digits, `.`, `_` and `-`, and begins with a letter or digit")
	}),
	"model": textKind("a model's name such as gpt-5", modelPattern, "model's name", func(s string) *flaw {
		return checkName(s, "._:/@+-", "a model's name takes letters, digits and `._:/@+-`, and begins with a letter or digit")
	}),
	"theirs": textKind("a model's name such as gpt-5", `^[!-~]+$`, "the provider's name", func(s string) *flaw {
		const hint = "a provider's name for a model has no spaces, and at most 256 bytes"
		if s == "" || len(s) > maxName || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return &flaw{"", hint}
		}
		return nil
	}),
	"priced": textKind("a model's name such as gpt-5, or a pattern such as gpt-5*", `^[!-~]+$`, "model's name", func(s string) *flaw {
		if s == "" || len(s) > maxName || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return &flaw{"", "a provider's name for a model has no spaces, and at most 256 bytes; `*` stands for anything"}
		}
		return nil
	}),
	"pattern": textKind("a model's name or a pattern such as gpu/*", `^[A-Za-z0-9*][A-Za-z0-9._:/@+*-]*$`, "names or patterns", func(s string) *flaw {
		return checkName(strings.TrimLeft(s, "*")+"x", "._:/@+-*", "a pattern takes letters, digits, `._:/@+-` and `*`")
	}),
	"address": textKind("an address such as 127.0.0.1:8080", `^.*:[0-9]+$`, "host:port", checkAddress),
	"url":     textKind("a URL such as https://api.example.com/v1", `^https?://[^?#@]+$`, "URL", checkURL),
	"hash":    textKind("a hash such as sha256:2c26…", `^sha256:[0-9a-f]{64}$`, "sha256: and 64 hexadecimal digits", checkHash),
	"place": textKind("a word such as eu-central-1", `^[A-Za-z0-9][A-Za-z0-9.:_-]*$`, "word", func(s string) *flaw {
		return checkName(s, ".:_-", "it takes letters, digits and `.:_-`")
	}),
	"proxy":  textKind("a URL such as http://proxy:3128", `^https?://[^?#@/]+/?$`, "URL", checkURL),
	"header": textKind("a header's name such as X-Trace", "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "names of headers", checkHeader),
	"path": {
		noun: "a path", json: "string", pattern: ".", show: showText, describe: "path",
		parse: func(text string, v reflect.Value, set *setting) *flaw {
			if text == "" || strings.ContainsRune(text, 0) {
				return &flaw{}
			}
			if !filepath.IsAbs(text) {
				text = filepath.Join(set.dir, text)
			}
			v.SetString(text)
			return nil
		},
	},
	"duration": durationKind(0),
	"timeout":  durationKind(1),
	"bytes": {
		noun: "a size such as 32MiB", json: "string", units: true, pattern: `^[1-9][0-9]*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`, describe: "size (B, KB, MB, GB, KiB, MiB, GiB)",
		parse: parseBytes, show: func(v reflect.Value) string { return Bytes(v.Int()).String() },
	},
	"count": {
		noun: "a whole number such as 4096", json: "integer", show: showInt, describe: "whole number above 0",
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			n, ok := whole(text)
			if !ok || n < 1 {
				return &flaw{}
			}
			v.SetInt(n)
			return nil
		},
	},
	"flag": {
		noun: "true or false", json: "boolean", describe: "true or false", show: func(v reflect.Value) string { return strconv.FormatBool(v.Bool()) },
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			if text != "true" && text != "false" {
				return &flaw{}
			}
			v.SetBool(text == "true")
			return nil
		},
	},
	"moment": {
		noun: "a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z", json: "string",
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$`, describe: "date or RFC 3339 time", parse: parseMoment,
		show: func(v reflect.Value) string {
			t, _ := reflect.TypeAssert[time.Time](v)
			return t.Format(time.RFC3339Nano)
		},
	},
	"auth":      wordKind(auths),
	"transform": transformKind(),
	"dialect": {
		noun: "a dialect such as openai-chat", json: "string", words: append(slices.Clone(dialects), familyNames()...), show: showText,
		describe: "dialects or families, listed below", parse: parseDialect,
	},
	"credential": {noun: "a secret", json: "string", describe: "secret"},
	"pem":        {noun: "a secret", json: "string", describe: "secret"},
})

func checkName(s, more, hint string) *flaw {
	if len(s) > maxName {
		return &flaw{"a name has at most 256 bytes", ""}
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || strings.IndexByte(more, c) < 0) {
			return &flaw{"", hint}
		}
	}
	if s == "" {
		return &flaw{"", hint}
	}
	return nil
}

func checkAddress(s string) *flaw {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return &flaw{"", "host and port with a colon between; an IPv6 address stands in [ ]"}
	}
	if n, ok := whole(port); !ok || n > math.MaxUint16 {
		return &flaw{"", "a port is a number from 0 to 65535"}
	}
	if strings.ContainsAny(host, " \t\r\n/") {
		return &flaw{}
	}
	return nil
}

func checkURL(s string) *flaw {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "" || u.Hostname() == "":
		return &flaw{"", "an absolute URL with http:// or https:// and a host"}
	case u.Scheme != "http" && u.Scheme != "https":
		return &flaw{"a base URL begins with http:// or https://", ""}
	case u.User != nil:
		return &flaw{"a base URL holds no user or password", "the credential goes into `api_key`"}
	case u.RawQuery != "" || u.ForceQuery:
		return &flaw{"a base URL has no query", "leave out what follows `?`"}
	case strings.ContainsRune(s, '#'):
		return &flaw{"a base URL has no fragment", "leave out what follows `#`"}
	}
	if p := u.Port(); p != "" {
		if n, ok := whole(p); !ok || n < 1 || n > math.MaxUint16 {
			return &flaw{"", "a port is a number from 1 to 65535"}
		}
	}
	return nil
}

func checkHash(s string) *flaw {
	hex, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return &flaw{"", "sha256: and 64 lower-case hexadecimal digits, as `printf %s KEY | sha256sum` gives them"}
	}
	return nil
}

// held names the headers that pass_headers cannot let through: credentials, cookies, what proxies add, and what belongs
// to one connection.
var held = []string{
	"Authorization", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection", "Cookie", "Cookie2", "X-Api-Key", "X-Goog-Api-Key", "Api-Key",
	"Forwarded", "Via", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Content-Length",
	"Content-Encoding", "Accept-Encoding", "Expect",
}

func checkHeader(s string) *flaw {
	if s == "" || strings.Trim(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return &flaw{}
	}
	name := textproto.CanonicalMIMEHeaderKey(s)
	if slices.Contains(held, name) || strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Forwarded-") {
		return &flaw{"the header " + name + " never goes to a provider", "credentials, cookies, proxy and connection headers stay here"}
	}
	return nil
}

func whole(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// durationKind reads 30s, 1h30m, 90d; least is the smallest value in nanoseconds.
func durationKind(least int64) *kind {
	noun := "a duration such as 30s"
	return &kind{
		noun: noun, json: "string", units: true, pattern: durationPattern, describe: "duration (ms, s, m, h, d, w)",
		show: func(v reflect.Value) string { return showDuration(v.Int()) },
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			n, f := parseDuration(text)
			if f != nil {
				return f
			}
			if n < least {
				return &flaw{"a time-out must be above zero", ""}
			}
			v.SetInt(n)
			return nil
		},
	}
}

func parseDuration(text string) (int64, *flaw) {
	if text == "0" {
		return 0, nil
	}
	if _, ok := whole(text); ok {
		return 0, &flaw{"", "add a unit: `" + text + "s`"}
	}
	var sum int64
	for rest := text; ; {
		i := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return 0, &flaw{}
		}
		number, tail := rest[:i], rest[i:]
		j := strings.IndexAny(tail, "0123456789.")
		if j < 0 {
			j = len(tail)
		}
		k := slices.IndexFunc(timeUnits, func(u unit) bool { return u.name == tail[:j] })
		if k < 0 {
			return 0, &flaw{"", "units are ms, s, m, h, d, w"}
		}
		n, ok := scaled(number, timeUnits[k].size)
		if !ok || sum > math.MaxInt64-n {
			return 0, &flaw{}
		}
		sum += n
		if rest = tail[j:]; rest == "" {
			return sum, nil
		}
	}
}

// scaled returns number × size for a decimal number without going through a float; digits below one unit of the result
// are cut.
func scaled(number string, size int64) (int64, bool) {
	before, after, point := strings.Cut(number, ".")
	n, ok := whole(before)
	if !ok || n > math.MaxInt64/size || point && (after == "" || len(after) > 9) {
		return 0, false
	}
	n *= size
	for _, c := range after {
		if c < '0' || c > '9' {
			return 0, false
		}
		size /= 10
		add := int64(c-'0') * size
		if n > math.MaxInt64-add {
			return 0, false
		}
		n += add
	}
	return n, true
}

func showDuration(n int64) string {
	if n == 0 {
		return "0s"
	}
	for _, u := range []unit{timeUnits[7], timeUnits[6], timeUnits[5], timeUnits[4], timeUnits[3], timeUnits[1]} {
		if n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "ns"
}

func parseBytes(text string, v reflect.Value, _ *setting) *flaw {
	i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if i < 0 {
		if _, ok := whole(text); ok {
			return &flaw{"", "add a unit: `" + text + "B`, or KiB, MiB, GiB"}
		}
		return &flaw{}
	}
	n, ok := whole(text[:i])
	k := slices.IndexFunc(byteUnits, func(u unit) bool { return u.name == text[i:] })
	if k < 0 {
		return &flaw{"", "units are B, KB, MB, GB and KiB, MiB, GiB"}
	}
	if !ok || n < 1 || n > math.MaxInt64/byteUnits[k].size {
		return &flaw{}
	}
	v.SetInt(n * byteUnits[k].size)
	return nil
}

func parseMoment(text string, v reflect.Value, _ *setting) *flaw {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	}
	return &flaw{}
}
