package ollama

import (
	"strconv"
	"time"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// counts are the counts this dialect has a place for.
const counts = llm.SaidInput | llm.SaidOutput

// takeUsage takes the counts of an answer, nil if it states none.
func takeUsage(o *dialect.Object) *llm.Usage {
	u := &llm.Usage{}
	take := func(name string, field llm.Fields, to *int64) {
		raw := o.Take(name)
		if raw == nil {
			return
		}
		n, ok := rawjson.Int(raw)
		if !ok || n < 0 {
			o.Leave(name)
			return
		}
		*to = n
		u.Said |= field
	}
	take("prompt_eval_count", llm.SaidInput, &u.Input)
	take("eval_count", llm.SaidOutput, &u.Output)
	if u.Said == 0 {
		return nil
	}
	return u
}

func writeUsage(w *rawjson.Writer, u *llm.Usage) {
	if u.Has(llm.SaidInput) {
		w.Name("prompt_eval_count").Int(u.Input)
	}
	if u.Has(llm.SaidOutput) {
		w.Name("eval_count").Int(u.Output)
	}
}

// seconds returns the seconds of a time as it is written here; "" where it is none.
func seconds(created string) llm.Num {
	t, err := time.Parse(time.RFC3339, created)
	if err != nil {
		return ""
	}
	return llm.Num(strconv.FormatInt(t.Unix(), 10))
}

// unknown is written where it is not known when an answer was made: the SDKs expect a time.
const unknown = "1970-01-01T00:00:00Z"

// createdAt returns the text for a time; own is what was kept of an answer of this dialect.
func createdAt(created llm.Num, own []byte) string {
	if s, ok := rawjson.String(own); ok {
		return s
	}
	n, ok := rawjson.Int([]byte(created))
	const last = 253402300799 // of the year 9999, after which there is no text for it
	if !ok || n < 0 || n > last {
		return unknown
	}
	return time.Unix(n, 0).UTC().Format(time.RFC3339)
}
