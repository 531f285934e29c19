package dialecttest

import (
	"bytes"
	"errors"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// refusal fails the test unless err is a fault of one of the kinds.
func refusal(t *testing.T, err error, kinds ...fault.Kind) {
	t.Helper()
	f, ok := errors.AsType[*fault.Fault](err)
	for _, k := range kinds {
		if ok && f.Kind == k && (k == fault.Upstream || f.Param != "") {
			return
		}
	}
	t.Fatalf("refused with %+v", err)
}

// FuzzEmbed decodes calls of any bytes: what is read is written again and reads the same.
func FuzzEmbed(f *testing.F, d dialect.Dialect, seeds ...string) {
	codec := d.(dialect.Embedder)
	fuzzCall(f, d, seeds, func(t *testing.T, call dialect.Call) (dialect.Call, func(dialect.Call) string) {
		e, err := codec.DecodeEmbed(call)
		if err != nil {
			refusal(t, err, fault.Malformed, fault.Unsupported)
			return call, nil
		}
		out, losses, err := codec.EncodeEmbed(e, llm.Facts{Model: e.Model})
		if err != nil {
			refusal(t, err, fault.Unsupported)
			return call, nil
		}
		if len(losses) > 0 {
			t.Fatalf("lost in its own dialect: %+v", losses)
		}
		return out, func(again dialect.Call) string {
			y, err := codec.DecodeEmbed(again)
			if err != nil {
				return err.Error()
			}
			return Same(e, y)
		}
	})
}

// FuzzRerank is FuzzEmbed for rankings.
func FuzzRerank(f *testing.F, d dialect.Dialect, seeds ...string) {
	codec := d.(dialect.Reranker)
	fuzzCall(f, d, seeds, func(t *testing.T, call dialect.Call) (dialect.Call, func(dialect.Call) string) {
		r, err := codec.DecodeRerank(call)
		if err != nil {
			refusal(t, err, fault.Malformed, fault.Unsupported)
			return call, nil
		}
		out, losses, err := codec.EncodeRerank(r, llm.Facts{Model: r.Model})
		if err != nil || len(losses) > 0 {
			t.Fatalf("in its own dialect: %v, lost %+v", err, losses)
		}
		return out, func(again dialect.Call) string {
			y, err := codec.DecodeRerank(again)
			if err != nil {
				return err.Error()
			}
			return Same(r, y)
		}
	})
}

// fuzzCall has carry decode a call that passed Peek and encode it again; differs then reads what was written.
func fuzzCall(f *testing.F, d dialect.Dialect, seeds []string, carry func(*testing.T, dialect.Call) (out dialect.Call, differs func(dialect.Call) string)) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		call := dialect.Call{Body: bytes.Clone(body)}
		if _, err := d.Peek(&call); err != nil {
			return
		}
		out, differs := carry(t, call)
		if !bytes.Equal(call.Body, body) {
			t.Fatalf("the body was changed: %q", call.Body)
		}
		if differs == nil {
			return
		}
		if _, err := d.Peek(&out); err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, out.Body)
		}
		if diff := differs(out); diff != "" {
			t.Fatalf("%s\n%s", diff, out.Body)
		}
	})
}

// FuzzEmbedding decodes answers of any bytes for a request: what is read is written again and reads the same.
func FuzzEmbedding(f *testing.F, d dialect.Dialect, e *llm.Embed, seeds ...string) {
	codec := d.(dialect.Embedder)
	fuzzAnswer(f, seeds, func(t *testing.T, body []byte) ([]byte, func([]byte) string) {
		a, err := codec.DecodeEmbedding(body)
		if err != nil {
			refusal(t, err, fault.Upstream)
			return nil, nil
		}
		out, _, err := codec.EncodeEmbedding(e, a)
		if err != nil {
			refusal(t, err, fault.Upstream)
			return nil, nil
		}
		return out, func(out []byte) string {
			y, err := codec.DecodeEmbedding(out)
			if err != nil {
				return err.Error()
			}
			return Same(a.Vectors, y.Vectors) + Same(a.Extra, y.Extra) + Same(a.Usage, y.Usage)
		}
	})
}

// FuzzRanking is FuzzEmbedding for rankings.
func FuzzRanking(f *testing.F, d dialect.Dialect, r *llm.Rerank, seeds ...string) {
	codec := d.(dialect.Reranker)
	fuzzAnswer(f, seeds, func(t *testing.T, body []byte) ([]byte, func([]byte) string) {
		a, err := codec.DecodeRanking(body)
		if err != nil {
			refusal(t, err, fault.Upstream)
			return nil, nil
		}
		out, _, err := codec.EncodeRanking(r, a)
		if err != nil {
			refusal(t, err, fault.Upstream)
			return nil, nil
		}
		return out, func(out []byte) string {
			y, err := codec.DecodeRanking(out)
			if err != nil {
				return err.Error()
			}
			return Same(a.Ranked, y.Ranked) + Same(a.Extra, y.Extra)
		}
	})
}

func fuzzAnswer(f *testing.F, seeds []string, carry func(*testing.T, []byte) (out []byte, differs func([]byte) string)) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if rawjson.Check(body) != nil {
			return // never decoded
		}
		out, differs := carry(t, bytes.Clone(body))
		if differs == nil {
			return
		}
		if err := rawjson.Check(out); err != nil {
			t.Fatalf("no JSON: %v: %s", err, out)
		}
		if diff := differs(out); diff != "" {
			t.Fatalf("%s\n%s", diff, out)
		}
	})
}
