package bedrockinvoke

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/converse"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

type meter struct {
	reading dialect.Reading
	usage   llm.Usage
	metrics bool // counts of Bedrock's own were seen: they win
	chunk   []byte
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

var headers = [...]struct {
	name string
	is   llm.Fields
}{
	{"X-Amzn-Bedrock-Input-Token-Count", llm.SaidInput},
	{"X-Amzn-Bedrock-Output-Token-Count", llm.SaidOutput},
	{"X-Amzn-Bedrock-Cache-Read-Input-Token-Count", llm.SaidCacheRead},
	{"X-Amzn-Bedrock-Cache-Write-Input-Token-Count", llm.SaidCacheWrite},
}

// Head implements dialect.HeadMeter.
func (m *meter) Head(h http.Header) {
	for _, one := range headers {
		if n, err := strconv.ParseInt(h.Get(one.name), 10, 64); err == nil && n >= 0 {
			m.take(one.is, n)
			m.metrics = true
		}
	}
	m.settle()
}

// take notes a count. Bedrock states what was read without what came from and went to a cache.
func (m *meter) take(is llm.Fields, n int64) {
	m.usage.Said |= is
	switch is {
	case llm.SaidInput:
		m.usage.Input = n
	case llm.SaidOutput:
		m.usage.Output = n
	case llm.SaidCacheRead:
		m.usage.CacheRead = n
	case llm.SaidCacheWrite:
		m.usage.CacheWrite = n
	}
}

// settle makes the reading of what was noted: all that was read includes the caches.
func (m *meter) settle() {
	if m.usage.Said == 0 {
		return
	}
	u := m.usage
	u.Input += u.CacheRead + u.CacheWrite
	m.reading.Usage = &u
}

var (
	bytesBegins = []byte(`{"bytes":"`)
	needle      = []byte(`"amazon-bedrock-invocationMetrics"`)
	opening     = []byte(`{"type":"message_start"`)
	ofTitan     = []byte(`"inputTextTokenCount"`)
)

// Frame implements dialect.Meter. A chunk holds the maker's own event as base64.
func (m *meter) Frame(f frame.Frame) {
	if f.Failed {
		m.reading.Fault = converse.New().ReadFault(0, http.Header{"X-Amzn-Errortype": {f.Event}}, f.Data)
		return
	}
	rest, ok := bytes.CutPrefix(f.Data, bytesBegins)
	if !ok {
		rest = []byte(rawjson.Text(rawjson.Get(f.Data, "bytes")))
	} else if end := bytes.IndexByte(rest, '"'); end >= 0 {
		rest = rest[:end]
	}
	if len(rest) == 0 {
		return
	}
	if need := base64.StdEncoding.DecodedLen(len(rest)); cap(m.chunk) < need {
		m.chunk = make([]byte, 0, 2*need)
	}
	chunk := m.chunk[:base64.StdEncoding.DecodedLen(len(rest))]
	n, err := base64.StdEncoding.Decode(chunk, rest)
	if err != nil {
		return
	}
	chunk = chunk[:n]
	if !bytes.HasPrefix(chunk, opening) {
		m.reading.Began = true
	}
	if !bytes.Contains(chunk, needle) {
		if !m.metrics && bytes.Contains(chunk, ofTitan) && rawjson.Check(chunk) == nil {
			m.titan(chunk, "totalOutputTextTokenCount")
			m.settle()
		}
		return
	}
	if rawjson.Check(chunk) != nil {
		return
	}
	m.reading.Ended = true
	m.counts(rawjson.Get(chunk, "amazon-bedrock-invocationMetrics"))
}

func (m *meter) counts(v []byte) {
	for name, val := range rawjson.Members(v) {
		n, ok := rawjson.Int(val)
		if !ok || n < 0 {
			continue
		}
		switch string(name) {
		case "inputTokenCount":
			m.take(llm.SaidInput, n)
		case "outputTokenCount":
			m.take(llm.SaidOutput, n)
		case "cacheReadInputTokenCount":
			m.take(llm.SaidCacheRead, n)
		case "cacheWriteInputTokenCount":
			m.take(llm.SaidCacheWrite, n)
		}
	}
	m.settle()
}

// titan takes the counts of Amazon's Titan, which states them beside its text where Bedrock's own are missing, as of
// answers that Bedrock blocks.
func (m *meter) titan(v []byte, output string) {
	if n, ok := count(rawjson.Get(v, "inputTextTokenCount")); ok {
		m.take(llm.SaidInput, n)
	}
	if n, ok := count(rawjson.Get(v, output)); ok && output != "" {
		m.take(llm.SaidOutput, n)
	}
}

// count reads a whole number, which Titan's streams write with a fraction of zero.
func count(v []byte) (int64, bool) {
	n, ok := rawjson.Int(bytes.TrimSuffix(v, []byte(".0")))
	return n, ok && n >= 0
}

// words are the counts in the makers' own words: of Anthropic's, Amazon's and of those that follow OpenAI's.
var words = map[string]llm.Fields{
	"input_tokens": llm.SaidInput, "inputTokens": llm.SaidInput, "prompt_tokens": llm.SaidInput,
	"output_tokens": llm.SaidOutput, "outputTokens": llm.SaidOutput, "completion_tokens": llm.SaidOutput,
	"cache_read_input_tokens": llm.SaidCacheRead, "cacheReadInputTokenCount": llm.SaidCacheRead, "cacheReadInputTokens": llm.SaidCacheRead,
	"cache_creation_input_tokens": llm.SaidCacheWrite, "cacheWriteInputTokenCount": llm.SaidCacheWrite, "cacheWriteInputTokens": llm.SaidCacheWrite,
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider's answer is not JSON", Cause: err}
		return
	}
	m.reading.Began, m.reading.Ended = true, true
	for name, val := range rawjson.Members(b) {
		if n := string(name); n == "images" || n == "artifacts" { // Amazon's and Stability's
			for range rawjson.Elems(val) {
				m.reading.Made.Images++
			}
		}
	}
	if m.metrics {
		return
	}
	m.titan(b, "")
	var written int64
	for _, v := range rawjson.Elems(rawjson.Get(b, "results")) {
		if n, ok := count(rawjson.Get(v, "tokenCount")); ok {
			written += n
			m.take(llm.SaidOutput, written)
		}
	}
	for name, val := range rawjson.Members(rawjson.Get(b, "usage")) {
		if is := words[string(name)]; is != 0 {
			if n, ok := rawjson.Int(val); ok && n >= 0 {
				m.take(is, n)
			}
		}
	}
	m.settle()
}
