package extract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"weir/bench/internal/wire"
)

func chatBody(n int) []byte {
	b := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."}`)
	turns := n/2500 + 1
	for i := range turns {
		b = append(b, `,{"role":"user","content":"`...)
		b = wire.AppendPrompt(b, i, (n-250)/turns-30)
		b = append(b, `"}`...)
	}
	return append(b, `],"temperature":0.7,"max_tokens":1024,"stream":true,"stream_options":{"include_usage":true},"user":"u-123"}`...)
}

func TestScanAgreesWithStd(t *testing.T) {
	bodies := [][]byte{
		[]byte(`{}`),
		[]byte(` { "stream" : false , "messages" : [ ] , "model" : "a" } `),
		[]byte(`{"messages":[{"content":"a\u00e9\ud83d\ude00\t\\\/ \"q\""}],"x":{"model":"no","messages":[1,{"a":"}]"}]}}`),
	}
	for _, n := range []int{1000, 10_000, 100_000} {
		bodies = append(bodies, chatBody(n))
	}
	for _, b := range bodies {
		if !json.Valid(b) {
			t.Fatalf("invalid body %.100s", b)
		}
		want, err := Std(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Scan(b, nil)
		if err != nil || got.Model != want.Model || got.Stream != want.Stream || got.N != want.N || !bytes.Equal(got.Text, want.Text) {
			t.Errorf("%.100s: Scan found %q %v %d %.80q, %v; Std %q %v %d %.80q", b, got.Model, got.Stream, got.N, got.Text, err, want.Model, want.Stream, want.N, want.Text)
		}
	}
}

func TestScanRefusesBroken(t *testing.T) {
	for _, s := range []string{``, `[`, `{"model":1`, `{"messages":[{"content":"\x"}]}`, `{"model":"a`} {
		if _, err := Scan([]byte(s), nil); err == nil {
			t.Errorf("Scan(%q) found nothing wrong", s)
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		src := chatBody(n)
		for name, f := range map[string]func(body, dst []byte) (Info, error){"scan": Scan, "std": Std} {
			b.Run(fmt.Sprintf("%s/%dKB", name, n/1000), func(b *testing.B) {
				dst := make([]byte, 0, 2*n)
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f(src, dst[:0]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
