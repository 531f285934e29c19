package fault

import (
	"strings"
	"testing"
	"time"
)

// The keys below are made up.
const (
	hex32 = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	mixed = "Zk3vT9qLw2XnB7rYc5HdJ8mPf4SgA6uE"
	jwt   = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSM-eKKF2QT4f_wpMeJf36POk6yJV"
)

func TestBlot(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		// By their makers' prefixes.
		{"Incorrect API key provided: sk-abcDEF123456.", "Incorrect API key provided: [key]."},
		{"Incorrect API key provided: sk-proj-********************wxyz. You can find", "Incorrect API key provided: [key]. You can find"},
		{"Incorrect API key provided: sk-1*****cdef", "Incorrect API key provided: [key]"},
		{"key sk-ant-api03-" + mixed + "_-AA is no good", "key [key] is no good"},
		{"(sk-or-v1-" + hex32 + hex32 + ")", "([key])"},
		{"AIzaSyA-1234567890_abcdefghijklmnopqrs", "[key]"},
		{"gsk_" + mixed + mixed, "[key]"},
		{"xai-" + mixed + mixed, "[key]"},
		{"AKIAIOSFODNN7EXAMPLE/20260101/eu", "[key]/20260101/eu"},
		{"the key wr-" + hex32 + " may not", "the key [key] may not"},
		{"hf_" + mixed + ", nvapi-" + mixed + ", pplx-" + mixed, "[key], [key], [key]"},
		{"token ya29.a0AfH6SMBxyz_0123456789-abc", "token [key]"},
		// Tokens.
		{"got " + jwt + ".", "got [key]."},
		{"<" + jwt + ">", "<[key]>"},
		// Schemes.
		{"Bearer xxx", "Bearer [key]"},
		{"Authorization: Bearer " + mixed + "\nAccept: */*", "Authorization: Bearer [key]\nAccept: */*"},
		{"authorization: bearer secret", "authorization: bearer [key]"},
		{"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [key]"},
		{"sent Bearer abc.def-1 to it", "sent Bearer [key] to it"},
		{`{"Authorization":"Bearer hunter2"}`, `{"Authorization":"Bearer [key]"}`},
		{"map[Authorization:[Bearer q1w2e3] X-Api-Key:[hunter2]]", "map[Authorization:[Bearer [key]] X-Api-Key:[[key]]]"},
		// Names.
		{"x-api-key: hunter2", "x-api-key: [key]"},
		{"X-API-Key: secretkey\r\n", "X-API-Key: [key]\r\n"},
		{"x-goog-api-key=abc", "x-goog-api-key=[key]"},
		{`{"api_key": "hunter2", "n": 1}`, `{"api_key": "[key]", "n": 1}`},
		{`{\"api_key\":\"hunter2\"}`, `{\"api_key\":\"[key]\"}`},
		{"client_secret='abc def'", "client_secret='[key] def'"},
		{"https://h/v1/models?key=abc&alt=sse", "https://h/v1/models?key=[key]&alt=sse"},
		{"GET /x?a=1&api_key=zzz: refused", "GET /x?a=1&api_key=[key]: refused"},
		{"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [key]"},
		{"X-Amz-Signature=" + hex32, "X-Amz-Signature=[key]"},
		{"postgres://weir:hunter2@db:5432/weir", "postgres://weir:[key]@db:5432/weir"},
		// Long runs near a word.
		{"Invalid API key " + hex32, "Invalid API key [key]"},
		{"Unauthorized: token (" + mixed + ") has expired", "Unauthorized: token ([key]) has expired"},
		{"'" + hex32 + "' is not a valid key", "'[key]' is not a valid key"},
		{"your secret is wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY, keep it", "your secret is [key], keep it"},
		// Several.
		{"sk-abcdefgh and sk-ijklmnop", "[key] and [key]"},
		{hex32 + " then sk-abcdefgh, the key", "[key] then [key], the key"},
		{"key=" + mixed + " key=" + mixed, "key=[key] key=[key]"},
	} {
		if got := Blot(tc.in); got != tc.want {
			t.Errorf("Blot(%q)\n got %q\nwant %q", tc.in, got, tc.want)
		}
		if again := Blot(tc.want); again != tc.want {
			t.Errorf("Blot(%q) = %q: blotted twice", tc.want, again)
		}
	}
}

func TestBlotLeaves(t *testing.T) {
	for _, s := range []string{
		"",
		"The model `gpt-4o-mini-2024-07-18` does not exist or you do not have access to it.",
		"Your API key has no access to claude-opus-4-1-20250805.",
		"Your key may not use meta-llama/Llama-3.3-70B-Instruct-Turbo, accounts/fireworks/models/llama-v3p1-405b-instruct or xai-grok-4-fast-reasoning",
		"invalid x-api-key",
		"x-api-key: is required",
		"x-api-key header is required",
		"api_key: Field required",
		"Authorization: missing",
		"Missing bearer or basic authentication in header",
		"Bearer token is missing; use Authorization: Bearer <token>",
		`WWW-Authenticate: Bearer realm="weir", error="invalid_token"`,
		"Basic usage: see the README. Basic HTTP is not enough",
		"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."[:100],
		"request req_011CVAJZp7GHE5wh4G4U1Z5K failed: key expired",
		"key error, request id 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		"token limit: chatcmpl-" + hex32 + ", resp_" + hex32 + hex32[:16] + ", msg_01XFDUDYJgAACzvnptvVoYEL, call_" + mixed + ", toolu_01A09q90qw90lq917835lq9",
		"This model's maximum context length is 128000 tokens. However, your messages resulted in 130012 tokens.",
		"max_tokens: 4096, max_completion_tokens=100; token count 123456789012",
		`{"logprobs":{"content":[{"token":"Hello","logprob":-0.31725305,"bytes":[72,101]}]}}`,
		"key: messages[0].content is required",
		"Invalid key: \"temperature\"",
		"scikit (sk-learn) and pseudokeyword supercalifragilisticexpialidociouslylongkeyword",
		hex32 + " is the trace",
		"sha256 " + hex32 + hex32 + " of the file",
		"api_key: ${OPENAI_API_KEY}, or api_key=${X}",
		"https://host:8080/v1/chat and user@example.org",
		"the secret: a good prompt",
		"eyJ is how base64 of JSON begins",
		"AIza, AKIA, gsk_, sk-, wr- are prefixes of keys",
		"Schlüssel für 漢字 \xff\xfe key",
	} {
		if got := Blot(s); got != s {
			t.Errorf("Blot(%q)\n got %q", s, got)
		}
	}
}

func TestBlotAllocations(t *testing.T) {
	s := strings.Repeat("The model does not exist or your key has no access to it: gpt-5. ", 20)
	if n := testing.AllocsPerRun(100, func() { Blot(s) }); n != 0 {
		t.Errorf("%v allocations with nothing to blot, want 0", n)
	}
}

// A text made to be slow takes time in proportion to its length.
func TestBlotLinear(t *testing.T) {
	for _, unit := range []string{
		"key:", "key=", "api_key:", "Bearer ", "bearer:", "a/=", "a+", "://", "://a:", "sk-", "sk-*", "eyJ.", "ya29.", "key ", "\"", "key\"", "x", "key:a", "-", hex32 + " ", "a1",
		"ya29.a", "secret:aA:",
	} {
		if ratio := growth(unit); ratio > 3*times {
			t.Errorf("%d times as much of %q takes %.0f times as long", times, unit, ratio)
		}
	}
}

// times is how much longer the longer text of growth is.
const times = 8

// growth tells how much longer a text takes that is longer. The fastest of several runs counts, and a machine that is busy
// with other things is given more of them.
func growth(unit string) float64 {
	short := strings.Repeat(unit, 25_000/len(unit))
	long := strings.Repeat(short, times)
	fast := func(best time.Duration, s string) time.Duration {
		start := time.Now()
		Blot(s)
		return min(best, time.Since(start))
	}
	a, b := time.Hour, time.Hour
	for n := range 20 {
		for range times {
			a = fast(a, short)
		}
		if b = fast(b, long); n >= 2 && b < 2*times*a {
			break
		}
	}
	return float64(b) / float64(a)
}

func FuzzBlot(f *testing.F) {
	for _, s := range []string{
		"sk-abcdefgh key " + hex32, hex32 + " key", jwt, "Bearer xxx, x-api-key: y", "://a:b@c", "token=ya29.aaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Blot(s)
		// What is left stands in the text in this order.
		rest := s
		if got != s {
			for i, piece := range strings.Split(got, blotted) {
				at := strings.Index(rest, piece)
				if at < 0 || i == 0 && at != 0 {
					t.Fatalf("Blot(%q) = %q", s, got)
				}
				rest = rest[at+len(piece):]
			}
		}
		// A key in a text is found whatever stands around it, once a space sets it apart.
		const key = "sk-ant-api03-Zk3vT9qLw2XnB7rY"
		if all := Blot(s + " " + key + " " + s); strings.Contains(all, key) && !strings.Contains(s, key) {
			t.Fatalf("the key is left: %q", all)
		}
	})
}

func BenchmarkBlot(b *testing.B) {
	s := strings.Repeat("The model does not exist or your key has no access to it: gpt-5. ", 16)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Blot(s)
	}
}
