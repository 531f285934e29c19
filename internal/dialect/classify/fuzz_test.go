package classify

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

var all = []dialect.Dialect{New(), NewTEI(), NewOIP()}

// FuzzPeek looks for bodies and addresses that pass and are then changed where they must not be.
func FuzzPeek(f *testing.F) {
	f.Add(Path, "", 0, []byte(`{"model":"m","input":["a"]}`))
	f.Add(TEIPath, "model=m&x=1", 0, []byte(`{"inputs":[["a","b"]]}`))
	f.Add("/v2/models/a%2Fb/versions/1/infer", "", 0, []byte(`{"inputs":[{"name":"x","data":[1]}],"parameters":{}}`))
	f.Add("/v2/models/m/infer", "", 2, []byte(`{}....`))
	f.Fuzz(func(t *testing.T, path, query string, length int, body []byte) {
		for _, d := range all {
			c := dialect.Call{Path: path, Query: query, Body: bytes.Clone(body)}
			read := body // what must be JSON
			if d.Name() == llm.OIPInfer && length != 0 {
				c.Header = http.Header{binaryHead: {strconv.Itoa(length)}}
				read = body[:max(0, min(length, len(body)))]
			}
			h, err := d.Peek(&c)
			if err != nil {
				if f := fault.Of(err); f.Kind != fault.Malformed || f.Message == "" {
					t.Fatalf("%s: %v", d.Name(), err)
				}
				continue
			}
			if rawjson.Check(read) != nil || rawjson.Kind(read) != '{' {
				t.Fatalf("%s takes %q", d.Name(), body)
			}
			out, err := d.Edit(nil, c, dialect.Edit{Model: "other/model"})
			if err != nil || !bytes.Equal(c.Body, body) {
				t.Fatalf("%s: %v", d.Name(), err)
			}
			if h.Model == "" {
				continue
			}
			again, err := d.Peek(&out)
			if want := "other/model"; d.Name() != llm.TEIClassify && (err != nil || again.Model != want) {
				t.Fatalf("%s: edited to %q: %+v %v", d.Name(), out.Body, again, err)
			}
		}
	})
}

// FuzzRequest decodes and encodes; what goes out is a request that reads back the same.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a",[1]],"truncate_prompt_tokens":3,"use_activation":true}`))
	f.Add([]byte(`{"inputs":[["a","b"],["c"]],"truncate":true,"raw_scores":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range all[:2] {
			c := dialect.Call{Path: Path, Body: body}
			if _, err := d.Peek(&c); err != nil {
				continue
			}
			r, err := d.(dialect.Classifier).DecodeClassify(c)
			if err != nil {
				continue
			}
			for _, up := range all[:2] {
				out, losses, err := up.(dialect.Classifier).EncodeClassify(r, llm.Facts{Model: "M"})
				if err != nil {
					if f := fault.Of(err); f.Kind != fault.Unsupported || f.Param == "" {
						t.Fatal(err)
					}
					continue
				}
				if err := rawjson.Check(out.Body); err != nil {
					t.Fatalf("%q: %v", out.Body, err)
				}
				if up.Name() == d.Name() && len(losses) > 0 {
					t.Fatalf("lost to itself: %v", losses)
				}
				if back, err := up.(dialect.Classifier).DecodeClassify(out); err != nil || len(back.Inputs) != len(r.Inputs) || back.Single != r.Single {
					t.Fatalf("%s became %s: %v", body, out.Body, err)
				}
			}
		}
	})
}

// FuzzAnswer reads answers.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"c","data":[{"index":0,"label":"a","probs":[0.5,0.25],"num_classes":2}],"usage":{"prompt_tokens":1}}`))
	f.Add([]byte(`[[{"score":1,"label":"LABEL_0"}]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range all {
			m := d.Meter()
			m.Body(body)
			if u := m.Read().Usage; u == nil || u.Input < 0 {
				t.Fatalf("%+v", u)
			}
			_ = d.ReadFault(400, nil, body)
		}
		for _, d := range all[:2] {
			a, err := d.(dialect.Classifier).DecodeClasses(body)
			if err != nil {
				continue
			}
			for _, to := range all[:2] {
				out, _, err := to.(dialect.Classifier).EncodeClasses(&llm.Classify{}, a)
				if err == nil && rawjson.Check(out) != nil {
					t.Fatalf("%q", out)
				}
			}
		}
	})
}
