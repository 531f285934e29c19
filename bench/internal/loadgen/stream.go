package loadgen

import (
	"bytes"
	"errors"
	"io"
	"time"

	"weir/bench/internal/h1"
	"weir/bench/internal/wire"
)

// textKey is the member that holds an event's text.
var textKey = map[string][]byte{
	"openai":    []byte(`"content":`),
	"anthropic": []byte(`"text":`),
	"gemini":    []byte(`"text":`),
	"responses": []byte(`"delta":`),
}

// sse is what a streamed answer has said so far.
type sse struct {
	rest  []byte // incomplete line
	text  []byte // text deltas glued together
	first bool   // text was seen
	ended bool   // the API's end mark was seen
	usage bool
	fault bool // an error event was seen
}

// stream reads and judges a streamed answer.
func (w *worker) stream(b *h1.Body, t0 time.Time) error {
	s := &w.sse
	*s = sse{rest: s.rest[:0], text: s.text[:0]}
	for {
		p, err := b.Next()
		if errors.Is(err, io.EOF) && b.Done() {
			break
		}
		if err != nil {
			return err
		}
		for {
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				s.rest = append(s.rest, p...)
				break
			}
			l := p[:i]
			if len(s.rest) > 0 {
				s.rest = append(s.rest, l...)
				l = s.rest
			}
			w.line(l, t0)
			s.rest = s.rest[:0]
			p = p[i+1:]
		}
		if s.first && w.cfg.Leave {
			return errLeft
		}
	}
	switch {
	case s.fault && !s.ended:
		w.bad(badError, s.text)
	case !bytes.Equal(s.text, w.exp):
		w.bad(badContent, s.text)
	case !s.ended:
		w.bad(badEnd, s.text)
	case w.cfg.WantUsage && !s.usage:
		w.bad(badUsage, s.text)
	default:
		return nil
	}
	return errBad
}

// line takes in one line of an event stream.
func (w *worker) line(l []byte, t0 time.Time) {
	if !bytes.HasPrefix(l, []byte("data:")) {
		return
	}
	s := &w.sse
	d := bytes.TrimLeft(l[5:], " ")
	if len(d) > 0 && d[0] == '[' {
		s.ended = s.ended || bytes.HasPrefix(d, []byte("[DONE]"))
		return
	}
	if !s.usage {
		if i := bytes.Index(d, []byte(`"usage`)); i >= 0 && !bytes.HasPrefix(bytes.TrimLeft(d[i+7:], " :"), []byte("null")) {
			s.usage = true
		}
	}
	if !w.carriesText(d) {
		return
	}
	v := text(d, textKey[w.cfg.API])
	if v == nil {
		s.fault = s.fault || isError(d)
		return
	}
	if !s.first {
		s.first = true
		w.r.TTFT.Add(w.at.Sub(t0))
	}
	if w.cfg.Stamp {
		if t, rest, ok := wire.CutStamp(v); ok {
			w.r.Chunk.Add(time.Duration(w.at.UnixNano() - t))
			v = rest
		}
	}
	s.text = append(s.text, v...)
}

// carriesText reports whether an event may have a text delta, and notes the
// end mark and the error of APIs whose events say their type.
func (w *worker) carriesText(d []byte) bool {
	s := &w.sse
	var end, delta string
	switch w.cfg.API {
	case "anthropic":
		end, delta = `"message_stop"`, `text_delta`
	case "responses":
		end, delta = `"response.completed"`, `response.output_text.delta`
	case "gemini":
		s.ended = s.ended || bytes.Contains(d, []byte(`"finishReason"`))
		return true
	default:
		return true
	}
	if bytes.Contains(d, []byte(end)) {
		s.ended = true
		return false
	}
	if bytes.Contains(d, []byte(delta)) {
		return true
	}
	s.fault = s.fault || isError(d)
	return false
}

// text is the raw value of a string member, nil if it is absent or empty.
func text(d, key []byte) []byte {
	_, v, _ := bytes.Cut(d, key)
	v = bytes.TrimLeft(v, " ")
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	v = v[1:]
	e := bytes.IndexByte(v, '"')
	if e <= 0 {
		return nil
	}
	return v[:e]
}

// isError reports whether an event is of type error or has an error object (a
// member "error" that is null is part of ordinary answers).
func isError(d []byte) bool {
	if bytes.Contains(d, []byte(`"type":"error"`)) || bytes.Contains(d, []byte(`"type": "error"`)) {
		return true
	}
	const key = `"error"`
	for {
		_, after, ok := bytes.Cut(d, []byte(key))
		if !ok {
			return false
		}
		d = bytes.TrimLeft(after, " ")
		if len(d) > 0 && d[0] == ':' && bytes.HasPrefix(bytes.TrimLeft(d[1:], " "), []byte("{")) {
			return true
		}
	}
}
