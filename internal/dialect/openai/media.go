package openai

import (
	"bytes"
	"strings"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// MediaMeter returns a meter of answers that hold images, sound or what was heard in it. Their events are named
// alike: the last one of an image, of speech or of a transcript ends in completed or done and states the usage.
func MediaMeter() dialect.Meter { return &mediaMeter{} }

type mediaMeter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *mediaMeter) Read() *dialect.Reading { return &m.r }

var (
	typeFirst     = []byte(`{"type":"`)
	endsCompleted = []byte(".completed")
	endsDone      = []byte(".done")
	ofImage       = []byte("image_")
)

// Frame implements dialect.Meter. A piece of an image or of sound is not looked into beyond its type.
func (m *mediaMeter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 {
		return
	}
	if IsDone(f.Data) {
		m.r.Ended = true
		return
	}
	typ := mediaType(f)
	switch {
	case bytes.HasSuffix(typ, endsCompleted), bytes.HasSuffix(typ, endsDone):
		m.r.Began, m.r.Ended = true, true
		if rawjson.Check(f.Data) == nil {
			if bytes.HasPrefix(typ, ofImage) {
				m.r.Made.Images++
			}
			m.members(f.Data)
		}
	case len(typ) > 0 && string(typ) != "error":
		m.r.Began = true
	case m.r.Fault == nil && (string(typ) == "error" || f.Event == "error" || Tells(f.Data).Error || IsError(f.Data)):
		m.r.Fault = ReadFault(0, nil, f.Data)
	}
}

// mediaType returns the type of an event, which its data tells and, where they are silent, the frame's name.
func mediaType(f frame.Frame) []byte {
	if rest, ok := bytes.CutPrefix(f.Data, typeFirst); ok {
		if name, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return name
		}
	}
	if v := rawjson.Get(f.Data, "type"); len(v) > 2 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	return []byte(f.Event)
}

// Body implements dialect.Meter.
func (m *mediaMeter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	m.members(body)
}

// members reads what an answer says beside its images and texts. A transcript in full says how long the sound was, which
// counts where no usage is stated.
func (m *mediaMeter) members(v []byte) {
	var usage, duration []byte
	failed, answer := false, false
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "usage":
			usage = val
		case "duration":
			duration = val
		case "model":
			m.r.Model = rawjson.Text(val)
		case "id":
			m.r.ID = rawjson.Text(val)
		case "error":
			k := rawjson.Kind(val)
			failed = k == '{' || k == '"'
		case "data":
			answer = true
			for range rawjson.Elems(val) {
				m.r.Made.Images++
			}
		case "text", "type":
			answer = true
		case "size":
			m.r.Made.Size = rawjson.Text(val)
		case "quality":
			m.r.Made.Quality = rawjson.Text(val)
		}
	}
	if failed || !answer && IsError(v) {
		m.r.Fault = ReadFault(0, nil, v)
	}
	u := DecodeMediaUsage(usage)
	if ms, ok := milliseconds(duration); ok && u == nil {
		u = &llm.Usage{Said: llm.SaidHeard, Heard: ms}
	}
	if u == nil {
		return
	}
	if m.r.Usage == nil {
		m.r.Usage = &llm.Usage{}
	}
	m.r.Usage.Merge(u)
}

// DecodeMediaUsage reads the usage of an answer that holds images or sound, nil if it states nothing. Which tokens were
// text is the rest and is not kept. It keeps no memory of v.
func DecodeMediaUsage(v []byte) *llm.Usage {
	if rawjson.Kind(v) != '{' {
		return nil
	}
	u := &llm.Usage{}
	r := usageReader{u: u}
	for name, val := range rawjson.Members(bytes.Clone(v)) {
		if rawjson.IsNull(val) {
			continue
		}
		switch n := string(name); n {
		case "input_tokens", "prompt_tokens":
			r.count(&u.Input, llm.SaidInput, n, val)
		case "output_tokens", "completion_tokens":
			r.count(&u.Output, llm.SaidOutput, n, val)
		case "total_tokens":
			r.count(&u.Total, llm.SaidTotal, n, val)
		case "input_tokens_details", "input_token_details", "prompt_tokens_details":
			r.detail(&u.InputImage, llm.SaidInputImage, val, "image_tokens")
			r.detail(&u.InputAudio, llm.SaidInputAudio, val, "audio_tokens")
			r.detail(&u.CacheRead, llm.SaidCacheRead, val, "cached_tokens")
		case "output_tokens_details", "output_token_details", "completion_tokens_details":
			r.detail(&u.OutputImage, llm.SaidOutputImage, val, "image_tokens")
			r.detail(&u.OutputAudio, llm.SaidOutputAudio, val, "audio_tokens")
		case "seconds", "prompt_audio_seconds":
			if ms, ok := milliseconds(val); ok {
				u.Heard, u.Said = ms, u.Said|llm.SaidHeard
			}
		case "cost":
			r.cost(val)
		case "type":
		default:
			Keep(&u.Extra, n, val)
		}
	}
	if u.Has(llm.SaidInput|llm.SaidInputAudio) && u.InputAudio > u.Input {
		u.Input += u.InputAudio // counted beside it
	}
	if u.Said == 0 && u.Cost == "" && u.Extra == nil {
		return nil
	}
	return u
}

func (r usageReader) detail(dst *int64, said llm.Fields, v []byte, name string) {
	if n, ok := rawjson.Int(rawjson.Get(v, name)); ok && n >= 0 {
		*dst, r.u.Said = n, r.u.Said|said
	}
}

// milliseconds reads a number of seconds, rounded up to the thousandth.
func milliseconds(v []byte) (int64, bool) {
	text := rawjson.Num(v)
	whole, fraction, _ := strings.Cut(text, ".")
	if text == "" || len(whole) > 9 || strings.ContainsAny(text, "-eE") {
		return 0, false
	}
	digits := (fraction + "000")[:3]
	n := int64(0)
	for _, c := range whole + digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(fraction) > 3 && strings.Trim(fraction[3:], "0") != "" {
		n++
	}
	return n, true
}
