package openai

import (
	"fmt"
	"strings"
	"testing"
)

func TestTeller(t *testing.T) {
	usage, finish, failed, nothing := Told{Usage: true}, Told{Finish: true}, Told{Error: true}, Told{}
	var teller Teller
	const head = `{"id":"1","model":"m","choices":[{"index":0,"delta":`
	for i, tc := range []struct {
		frame string
		want  Told
	}{
		{head + `{"content":"a"},"finish_reason":null}],"usage":null}`, nothing},
		{head + `{"content":"b \"usage\": 1"},"finish_reason":null}],"usage":null}`, nothing},
		{head + `{},"finish_reason":"stop"}]}`, finish},
		{head + `{},"finish_reason":null}],"usage":{"prompt_tokens":1}}`, usage},
		{head + `{},"finish_reason":"stop"}],"usage" : {}}`, Told{Usage: true, Finish: true}},
		{`{"id":"1","model":"m","choices":[],"usage":{"a":1}}`, usage},
		{`{"error":{"message":"no"}}`, failed},
		{`{"error":{"message":"no"},"delta":1}`, failed},
		{`{"error":{"message":"no"},"delta":2}`, failed}, // what stated something is no beginning to skip
		{head + strings.Repeat(" ", 300) + `{"content":"c"},"finish_reason":"stop"}]}`, finish},
		{`{"x":"` + strings.Repeat("y", 300) + `","delta":{},"finish_reason":"stop"}`, finish}, // too long to be remembered
		{`{"x":"` + strings.Repeat("y", 300) + `","delta":{},"usage":1}`, usage},
		{head + `{"content":"d"},"finish_reason":"length"}]}`, finish},
		{``, nothing},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if got := teller.Tells([]byte(tc.frame), []byte(`"delta":`)); got != tc.want {
				t.Errorf("%s\nafter the others %+v, want %+v", tc.frame, got, tc.want)
			}
			if got := Tells([]byte(tc.frame)); got != tc.want {
				t.Errorf("%s\nalone %+v, want %+v", tc.frame, got, tc.want)
			}
		})
	}
}

// What a teller says of a frame does not depend on the frames before it.
func FuzzTeller(f *testing.F) {
	f.Add(`{"a":1,"delta":{"x":1},"usage":1}`, `{"a":1,"delta":{},"finish_reason":"stop"}`)
	f.Add(`{"usage":null,"delta":"usage\":1}`, `{"usage":null,"delta":"usage\":1, "error":{}}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		var teller Teller
		for _, frame := range []string{one, two, one, two, two} {
			if got, want := teller.Tells([]byte(frame), []byte(`"delta":`)), Tells([]byte(frame)); got != want {
				t.Fatalf("%q after others: %+v, alone %+v", frame, got, want)
			}
		}
	})
}
