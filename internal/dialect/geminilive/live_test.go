package geminilive

import (
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestPeekAndEdit(t *testing.T) {
	for body, want := range map[string]string{
		`{"setup":{"model":"models/talk", "generationConfig":{"temperature":1.50}}}`: `{"setup":{"model":"models/gemini-x", "generationConfig":{"temperature":1.50}}}`,
		`{ "setup" : {"tools":[{"model":"no"}],"model":"talk"} }`:                    `{ "setup" : {"tools":[{"model":"no"}],"model":"models/gemini-x"} }`,
	} {
		c := dialect.Call{Body: []byte(body)}
		h, err := New().Peek(&c)
		if err != nil || h.Model != "talk" {
			t.Fatalf("%s: %+v %v", body, h, err)
		}
		got, err := New().Edit([]byte("before"), c, dialect.Edit{Model: "gemini-x"})
		if err != nil || string(got.Body) != want {
			t.Errorf("%s %v", got.Body, err)
		}
		if got, err := New().Edit(nil, c, dialect.Edit{}); err != nil || string(got.Body) != body {
			t.Errorf("%s %v", got.Body, err)
		}
	}
	for body, param := range map[string]string{
		`{"realtimeInput":{}}`:                          "setup",
		`{"setup":"x"}`:                                 "setup",
		`{"setup":{}}`:                                  "setup.model",
		`{"setup":{"model":"models/"}}`:                 "setup.model",
		`{"setup":{"model":7}}`:                         "setup.model",
		`{"setup":{"model":"a","model":"b"}}`:           "setup.model",
		`{"setup":{"model":"a","Model":"b"}}`:           "setup.model",
		`{"setup":{"model":"a"},"setup":{"model":"b"}}`: "setup",
		`{"setup":{"model":"a"},"se\u0074up":{}}`:       "",
		`[]`:         "",
		"\x00\xff{}": "",
	} {
		c := dialect.Call{Body: []byte(body)}
		if _, err := New().Peek(&c); err == nil || fault.Of(err).Kind != fault.Malformed || fault.Of(err).Param != param {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFromClient(t *testing.T) {
	s := live{}.Session()
	for _, m := range []string{`{"realtimeInput":{"audio":{"data":"AAAA"}}}`, `{"clientContent":{"turns":[{"setup":{"model":"x"}}]}}`} {
		if out, err := s.FromClient([]byte(m), nil); err != nil || string(out) != m {
			t.Errorf("%s %v", out, err)
		}
	}
	for _, m := range []string{`{"setup":{"model":"models/gold"}}`, `{"Setup":{"model":"models/gold"}}`, `{"s\u0065tup":{}}`, `nothing`, "\xff"} {
		if _, err := s.FromClient([]byte(m), nil); err == nil {
			t.Errorf("%s went up", m)
		}
	}
	f := fault.New(fault.Malformed, "no")
	if len(s.Refusal(nil, nil, f)) != 0 || len(New().Fault(nil, f, dialect.Stream)) != 0 || len(New().Fault(nil, f, dialect.Whole)) == 0 {
		t.Error("an error within a session has words")
	}
}

const (
	sound    = `{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAAA"}}]}}}`
	complete = `{"serverContent":{"turnComplete":true}}`
)

func usageOf(prompt, response string) string {
	return `"usageMetadata":{"promptTokenCount":` + prompt + `,"responseTokenCount":` + response +
		`,"promptTokensDetails":[{"modality":"TEXT","tokenCount":3},{"modality":"AUDIO","tokenCount":7}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":` + response + `}]}`
}

// TestUsage: each turn's statement counts once, however often it is made and whether it comes with the turn's end, before
// it or after.
func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		messages      []string
		input, output int64
		answers       int
	}{
		"with the end":     {[]string{sound, `{"serverContent":{"turnComplete":true},` + usageOf("10", "20") + `}`}, 10, 20, 1},
		"after the end":    {[]string{sound, complete, `{` + usageOf("10", "20") + `}`, sound, complete, `{` + usageOf("30", "5") + `}`}, 40, 25, 2},
		"before the end":   {[]string{sound, `{` + usageOf("10", "20") + `}`, complete, sound, `{` + usageOf("30", "5") + `}`, complete}, 40, 25, 2},
		"running totals":   {[]string{sound, `{` + usageOf("10", "4") + `}`, sound, `{` + usageOf("10", "9") + `}`, complete, `{` + usageOf("10", "20") + `}`}, 10, 20, 1},
		"no end":           {[]string{sound, `{` + usageOf("10", "4") + `}`}, 10, 4, 0},
		"a call, then on":  {[]string{`{"toolCall":{"functionCalls":[]},` + usageOf("10", "4") + `}`, sound, `{"serverContent":{"turnComplete":true},` + usageOf("15", "6") + `}`}, 25, 10, 2},
		"nothing of it":    {[]string{sound, complete, `{"goAway":{"timeLeft":"10s"}}`, `{"sessionResumptionUpdate":{"newHandle":"h"}}`, "\xff", ``}, 0, 0, 1},
		"not in a text":    {[]string{`{"serverContent":{"modelTurn":{"parts":[{"text":"\"usageMetadata\":{\"promptTokenCount\":9}"}]}}}`}, 0, 0, 0},
		"a wild statement": {[]string{sound, `{"usageMetadata":{"promptTokenCount":-5,"responseTokenCount":"x"}}`}, 0, 0, 0},
	} {
		s := live{}.Session()
		var sum llm.Usage
		answers := 0
		for _, m := range c.messages {
			told := s.FromProvider([]byte(m))
			sum.Add(told.Usage)
			if told.Over {
				answers++
			}
		}
		if sum.Input != c.input || sum.Output != c.output || answers != c.answers || sum.OutputAudio != c.output {
			t.Errorf("%s: %+v in %d answers", name, sum, answers)
		}
	}
}

func TestMeter(t *testing.T) {
	m := New().Meter()
	for range 2 {
		m.Frame(frame.Frame{Data: []byte(sound)})
		m.Frame(frame.Frame{Data: []byte(`{"serverContent":{"turnComplete":true},` + usageOf("10", "20") + `}`)})
	}
	if r := m.Read(); r.Usage.Input != 20 || r.Usage.InputAudio != 14 || !r.Began {
		t.Errorf("%+v", r.Usage)
	}
}

func TestAllocations(t *testing.T) {
	s := live{}.Session()
	piece := []byte(strings.Replace(sound, "AAAA", strings.Repeat("UklGRg==", 500), 1))
	if n := testing.AllocsPerRun(100, func() { s.FromProvider(piece) }); n > 0 {
		t.Errorf("a piece of sound from the provider costs %v allocations", n)
	}
	up := []byte(`{"realtimeInput":{"audio":{"mimeType":"audio/pcm","data":"` + strings.Repeat("UklGRg==", 500) + `"}}}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.FromClient(up, nil) }); n > 0 {
		t.Errorf("a piece of sound from the client costs %v allocations", n)
	}
}

func FuzzFromProvider(f *testing.F) {
	f.Add([]byte(sound), []byte(`{`+usageOf("10", "20")+`}`))
	f.Add([]byte(complete), []byte(`{"toolCall":{},`+usageOf("1", "2")+`}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := live{}.Session()
		for _, m := range [][]byte{a, b, a} {
			if u := s.FromProvider(m).Usage; u != nil && (u.Input < 0 || u.Output < 0) {
				t.Fatalf("%+v", u)
			}
		}
	})
}
