package replay_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/replay"
)

// value decodes JSON with its numbers as they are written, members that are null left out.
func value(t *testing.T, b []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %.300s", err, b)
	}
	return withoutNulls(v)
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, in := range v {
			if in == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(in)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// TestEmbedIdentity decodes every recorded request and answer of embeddings and encodes it again: nothing is missing.
func TestEmbedIdentity(t *testing.T) {
	for _, d := range embedding {
		speaker := compile.Dialect(d)
		codec := speaker.(dialect.Embedder)
		requests, answers := 0, 0
		for _, r := range replay.Load(t, string(d)) {
			sent := question(r, d, "real-model")
			call := sent.call()
			if _, err := speaker.Peek(&call); err != nil {
				t.Fatalf("%s: %v", r.ID, err)
			}
			req, err := codec.DecodeEmbed(call)
			if err != nil {
				if r.Response.Status >= 400 {
					continue // its provider refused it too
				}
				t.Fatalf("%s: %v", r.ID, err)
			}
			provider := r.Folder
			if provider == "mistral-embeddings" {
				provider = "mistral"
			}
			again, losses, err := codec.EncodeEmbed(req, llm.Facts{Model: "real-model", Provider: provider})
			if err != nil || len(losses) > 0 {
				t.Fatalf("%s: %v %v", r.ID, losses, err)
			}
			requests++
			want := plainRequest(d, value(t, sent.body))
			if diff := cmp.Diff(want, plainRequest(d, value(t, again.Body))); diff != "" {
				t.Errorf("%s: the request came out otherwise:\n%s", r.ID, diff)
			}
			if r.Response.Status != 200 {
				continue
			}
			answer, err := codec.DecodeEmbedding(r.Answer())
			if err != nil {
				t.Errorf("%s: %v", r.ID, err)
				continue
			}
			out, losses, err := codec.EncodeEmbedding(asWritten(req, answer), answer)
			if err != nil || len(losses) > 0 && losses[0].Grade > llm.Filled {
				t.Fatalf("%s: %v %v", r.ID, losses, err)
			}
			answers++
			if diff := cmp.Diff(plainAnswer(value(t, r.Answer())), plainAnswer(value(t, out))); diff != "" {
				t.Errorf("%s: the answer came out otherwise:\n%s", r.ID, diff)
			}
		}
		t.Logf("%s: %d requests, %d answers", d, requests, answers)
	}
}

// asWritten wants the vectors in the form the answer has them, which not every provider is told.
func asWritten(req *llm.Embed, a *llm.Embeddings) *llm.Embed {
	if req.Types != nil || a.Vectors[0].Array != nil {
		return req
	}
	form := *req
	form.Types = []string{llm.FormBase64}
	return &form
}

// plainRequest leaves out what says the same in another way.
func plainRequest(d llm.Dialect, v any) any {
	m := v.(map[string]any)
	if d == llm.GeminiEmbeddings {
		snake(m)
		if _, batch := m["requests"]; batch {
			delete(m, "model")
		} else {
			m["model"] = "models/real-model"
		}
	}
	if d == llm.CohereEmbed {
		if _, said := m["truncate"]; !said {
			m["truncate"] = "END"
		}
	}
	return m
}

func snake(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "role")
		for from, to := range map[string]string{"inline_data": "inlineData", "mime_type": "mimeType", "task_type": "taskType", "output_dimensionality": "outputDimensionality"} {
			if in, ok := v[from]; ok {
				delete(v, from)
				v[to] = in
			}
		}
		for _, in := range v {
			snake(in)
		}
	case []any:
		for _, in := range v {
			snake(in)
		}
	}
}

// plainAnswer leaves out counts that are zero or in a place without a field, which the meter's test checks.
func plainAnswer(v any) any {
	m := v.(map[string]any)
	for _, name := range [...]string{"usage", "meta", "usageMetadata", "texts", "images"} {
		delete(m, name)
	}
	return m
}

// TestEmbedAcross brings every recorded answer into every other dialect: the vectors are the same numbers.
func TestEmbedAcross(t *testing.T) {
	for _, from := range embedding {
		up := compile.Dialect(from).(dialect.Embedder)
		for _, to := range embedding {
			if to == from {
				continue
			}
			client := compile.Dialect(to).(dialect.Embedder)
			carried, refused := 0, 0
			for _, r := range replay.Load(t, string(from)) {
				if r.Response.Status != 200 || r.Folder == "perplexity" { // whose base64 is of 8-bit integers, which the answer does not say
					continue
				}
				sent := question(r, from, "real-model")
				call := sent.call()
				if _, err := compile.Dialect(from).Peek(&call); err != nil {
					t.Fatal(err)
				}
				req, err := up.DecodeEmbed(call)
				if err == nil {
					_, _, err = client.EncodeEmbed(req, llm.Facts{Model: "other"})
				}
				if f := (*fault.Fault)(nil); err != nil && (!errors.As(err, &f) || f.Kind != fault.Unsupported || f.Param == "") {
					t.Fatalf("%s to %s: %v", r.ID, to, err)
				} else if err != nil {
					refused++
				}
				answer, err := up.DecodeEmbedding(r.Answer())
				if err != nil {
					t.Fatal(err)
				}
				for _, form := range [...]string{llm.FormFloat, llm.FormBase64} {
					out, _, err := client.EncodeEmbedding(&llm.Embed{From: to, Types: []string{form}}, answer)
					if err != nil {
						t.Fatalf("%s to %s: %v", r.ID, to, err)
					}
					back, err := client.DecodeEmbedding(out)
					if err != nil {
						t.Fatalf("%s to %s: %v", r.ID, to, err)
					}
					if diff := cmp.Diff(bits(t, answer), bits(t, back)); diff != "" {
						t.Fatalf("%s to %s as %s: %s", r.ID, to, form, diff)
					}
				}
				carried++
			}
			t.Logf("%s to %s: %d answers; %d requests refused", from, to, carried, refused)
		}
	}
}

// bits returns the vectors as the bits of 32-bit floats.
func bits(t *testing.T, a *llm.Embeddings) [][]uint32 {
	t.Helper()
	var out [][]uint32
	for i := range a.Vectors {
		v := &a.Vectors[i]
		var one []uint32
		if v.Array == nil {
			raw, err := base64.StdEncoding.DecodeString(v.Base64)
			if err != nil {
				t.Fatal(err)
			}
			for ; len(raw) >= 4; raw = raw[4:] {
				one = append(one, binary.LittleEndian.Uint32(raw))
			}
		} else {
			var list []json.Number
			if err := json.Unmarshal(v.Array, &list); err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				f, err := strconv.ParseFloat(n.String(), 32)
				if err != nil {
					t.Fatal(err)
				}
				one = append(one, math.Float32bits(float32(f)))
			}
		}
		out = append(out, one)
	}
	return out
}
