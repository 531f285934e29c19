package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openairesponses"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/replay"
	"weir/internal/tokens"
)

// TestHeardRecorded cuts recorded streams at random places and holds what the remembered beginning tells of the whole
// against a count of all that had come.
func TestHeardRecorded(t *testing.T) {
	for _, d := range []dialect.Dialect{anthropic.New(), cohere.New(), gemini.New(), openaichat.New(), openairesponses.New()} {
		r := rand.New(rand.NewPCG(1, 2))
		n, sum, longer := 0, 0.0, 0
		for _, rec := range replay.Load(t, string(d.Name())) {
			raw := rec.Answer()
			if !rec.Streaming || rec.Response.Status >= 300 || len(raw) < 2000 {
				continue
			}
			for range 4 {
				cut := raw[:1000+r.IntN(len(raw)-1000)]
				got, want, full := cutShort(d, rec.Model, cut)
				if want < 20 {
					continue
				}
				if full {
					longer++
				}
				if abs(float64(got-want))/float64(want) > 0.2 {
					t.Logf("  %s %d bytes: %d, counted %d", rec.ID, len(cut), got, want)
				}
				n++
				sum += abs(float64(got-want)) / float64(want)
			}
		}
		t.Logf("%-17s %3d cuts, of which %3d are longer than what is remembered: off by %.1f %% in the mean", d.Name(), n, longer, 100*sum/float64(n))
		if n == 0 || sum/float64(n) > 0.10 {
			t.Errorf("%s: off by %.1f %% in the mean of %d", d.Name(), 100*sum/float64(n), n)
		}
	}
}

// cutShort returns what is estimated of a stream that was cut, and what a count of all of it is.
func cutShort(d dialect.Dialect, model string, raw []byte) (got, want int64, longer bool) {
	kind := d.Name().Framing()
	if raw[0] == '[' {
		kind = llm.Array
	}
	c := &call{e: New(nil, nil), s: &Snapshot{Dialect: func(llm.Dialect) dialect.Dialect { return d }}}
	defer c.e.Close()
	for f, err := range frame.Cut(kind, bytes.NewReader(raw), nil, 4<<20) {
		if err != nil {
			break
		}
		c.heard.frame(d.Name(), &f)
	}
	s := tokens.Source{Model: model}
	got = c.answered(s)
	resp, _ := llm.Collect(d.Name(), d.Codec().DecodeStream(frame.Cut(kind, bytes.NewReader(raw), nil, 4<<20)))
	whole := c.e.learned.Answer(s, choices(resp)...)
	if whole.Unseen&^tokens.UnseenSeal != 0 {
		return 0, 0, false // what the provider runs itself is counted by its providers one way or the other
	}
	return got, whole.Tokens, c.heard.all > heardSize
}

func abs(x float64) float64 { return max(x, -x) }

// TestHeardCosts holds what a delta costs on its way: no memory.
func TestHeardCosts(t *testing.T) {
	for _, test := range []struct {
		d     llm.Dialect
		frame frame.Frame
	}{
		{llm.OpenAIChat, frame.Frame{Data: []byte(`{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`)}},
		{llm.AnthropicMessages, frame.Frame{Event: "content_block_delta", Data: []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}`)}},
		{llm.OpenAIResponses, frame.Frame{Event: "response.output_text.delta", Data: []byte(`{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":" word"}`)}},
	} {
		var h heard
		h.frame(test.d, &test.frame)
		if n := testing.AllocsPerRun(1000, func() { h.frame(test.d, &test.frame) }); n > 0 {
			t.Errorf("%s: %.0f allocations a delta", test.d, n)
		}
		if h.all != 5*1002 {
			t.Errorf("%s: %d bytes of text", test.d, h.all)
		}
		h.release()
	}
}

func BenchmarkHeard(b *testing.B) {
	f := frame.Frame{Data: []byte(`{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdef"}`)}
	var h heard
	for b.Loop() {
		h.frame(llm.OpenAIChat, &f)
	}
}

// FuzzHeard takes frames of anything. What is heard of one does not depend on those before it.
func FuzzHeard(f *testing.F) {
	for d := range texts {
		f.Add(string(d), "content_block_delta", `{"content":[{"text":"a"}],"text":"b\"","args":{"a":"}"},"arguments":"","name":"x"}`, `{"content":"c"}`)
		f.Add(string(d), "response.output_text.delta", `{"delta":"b\\"`, `{"delta":"b\\", "delta":"c"}`)
		f.Add(string(d), "", `{"id":"1","choices":[{"delta":{"content":"a"`, `{"id":"1","choices":[{"delta":{"content":"b","arguments":"c","name":"x"}`)
	}
	f.Fuzz(func(t *testing.T, d, event, one, two string) {
		var h heard
		var all int64
		var calls int
		for _, data := range []string{one, two, one} {
			var alone heard
			fr := frame.Frame{Event: event, Data: []byte(data)}
			alone.frame(llm.Dialect(d), &fr)
			if alone.all > int64(3*len(data)) {
				t.Fatalf("%d bytes of text in %q", alone.all, data)
			}
			all, calls = all+alone.all, calls+alone.calls
			alone.release()
			h.frame(llm.Dialect(d), &fr)
		}
		if h.all != all || h.calls != calls {
			t.Fatalf("%d bytes and %d calls in a row, %d and %d one by one", h.all, h.calls, all, calls)
		}
		h.release()
	})
}
