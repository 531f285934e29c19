package loadgen

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/bench/internal/wire"
)

// template is a request with holes for the request id.
type template struct {
	msg    []byte // whole HTTP request
	id     int    // offset of the id
	region [2]int // marked region
}

var prompts = map[string]int{"small": 200, "medium": 10_000, "large": 100_000}

// build makes one request for prompt variant v.
func (c *Config) build(v int) (template, error) {
	n, ok := prompts[c.Size]
	if !ok {
		x, err := strconv.Atoi(c.Size)
		if err != nil {
			return template{}, fmt.Errorf("unknown size %q", c.Size)
		}
		n = x
	}
	b, err := c.body(v, n)
	if err != nil {
		return template{}, err
	}
	var h strings.Builder
	fmt.Fprintf(&h, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench-load/1\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", c.path(), c.host(), len(b))
	for _, k := range slices.Sorted(maps.Keys(c.Headers)) {
		fmt.Fprintf(&h, "%s: %s\r\n", k, c.Headers[k])
	}
	h.WriteString("\r\n")
	t := template{}
	t.msg = append([]byte(h.String()), b...)
	i := bytes.Index(t.msg, []byte("[[bench "))
	j := bytes.Index(t.msg, []byte("[[END]]"))
	t.id = i + wire.IDOffset
	t.region = [2]int{i, j + 7}
	return t, nil
}

// grammar is how an API writes a conversation. A turn is its role between
// open and middle, its text, and close.
type grammar struct {
	head                string // after the model, up to the first turn
	open, middle, close string
	assistant           string
	tail                string // after the last turn
	noModel             bool   // the model is in the path
	noStream            bool   // "stream" is no member
}

var grammars = map[string]grammar{
	"openai": {
		head: `"messages":[{"role":"system","content":"You are a helpful assistant."},`,
		open: `{"role":"`, middle: `","content":"`, close: `"}`, assistant: "assistant",
		tail: `],"temperature":0.7,"max_tokens":1024`,
	},
	"responses": {
		head: `"instructions":"You are a helpful assistant.","input":[`,
		open: `{"role":"`, middle: `","content":"`, close: `"}`, assistant: "assistant",
		tail: `],"max_output_tokens":1024`,
	},
	"anthropic": {
		head: `"max_tokens":1024,"system":"You are a helpful assistant.","messages":[`,
		open: `{"role":"`, middle: `","content":"`, close: `"}`, assistant: "assistant",
		tail: `]`,
	},
	"gemini": {
		head: `"systemInstruction":{"parts":[{"text":"You are a helpful assistant."}]},"contents":[`,
		open: `{"role":"`, middle: `","parts":[{"text":"`, close: `"}]}`, assistant: "model",
		tail: `],"generationConfig":{"maxOutputTokens":1024,"temperature":0.7}`, noModel: true, noStream: true,
	},
}

// body writes a request body with about n bytes of prompt, the marked region
// in its last turn.
func (c *Config) body(v, n int) ([]byte, error) {
	// Long prompts are spread over a conversation, as they are in life: one
	// turn is at most 2.5 KB of text.
	turns := 1
	if n > 4000 {
		turns = n/2500 + 1
		if turns%2 == 0 {
			turns++
		}
	}
	per := n / turns
	last := c.marked(v, per)
	b := []byte{'{'}
	if c.API == "embeddings" {
		b = append(b, `"model":"`+c.Model+`","encoding_format":"float","input":"`...)
		b = append(b, last...)
		b = append(b, '"')
		return append(c.extra(b), '}'), nil
	}
	g, ok := grammars[c.API]
	if !ok {
		return nil, fmt.Errorf("unknown api %q", c.API)
	}
	if !g.noModel {
		b = append(b, `"model":"`+c.Model+`",`...)
	}
	b = append(b, g.head...)
	for i := range turns - 1 {
		role := "user"
		if i%2 == 1 {
			role = g.assistant
		}
		b = append(b, g.open+role+g.middle...)
		b = wire.AppendPrompt(b, v*1000+i+1, per)
		b = append(b, g.close+","...)
	}
	b = append(b, g.open+"user"+g.middle...)
	b = append(b, last...)
	b = append(b, g.close+g.tail...)
	if !g.noStream {
		b = append(b, `,"stream":`+strconv.FormatBool(c.Stream)...)
	}
	if c.API == "openai" && c.Stream {
		b = append(b, `,"stream_options":{"include_usage":true}`...)
	}
	return append(c.extra(b), '}'), nil
}

// marked is the text of the last turn: the marker for the mock, prompt text,
// and the end of the region that is checksummed.
func (c *Config) marked(v, n int) []byte {
	s := wire.Shape{Chunks: c.Chunks, Size: c.ChunkSize, Delay: int(c.Delay.Microseconds()), TTFT: int(c.TTFT.Microseconds()), Reply: c.Reply, Stamp: c.Stamp, Fault: c.Fault}
	copy(s.ID[:], "0000000000000000")
	b := append(wire.AppendMarker(nil, s), ' ')
	if rest := n - len(b) - 8; rest > 0 {
		b = wire.AppendPrompt(b, v*1000, rest)
	}
	return append(b, "[[END]]"...)
}

// extra appends the further members of the body in a fixed order.
func (c *Config) extra(b []byte) []byte {
	for _, k := range slices.Sorted(maps.Keys(c.Extra)) {
		b = fmt.Appendf(b, ",%q:%s", k, c.Extra[k])
	}
	return b
}

func (c *Config) host() string {
	if c.Host != "" {
		return c.Host
	}
	return c.Addr
}

func (c *Config) path() string {
	if c.Path != "" {
		return c.Path
	}
	switch c.API {
	case "openai":
		return "/v1/chat/completions"
	case "responses":
		return "/v1/responses"
	case "embeddings":
		return "/v1/embeddings"
	case "anthropic":
		return "/v1/messages"
	}
	if c.Stream {
		return "/v1beta/models/" + c.Model + ":streamGenerateContent?alt=sse"
	}
	return "/v1beta/models/" + c.Model + ":generateContent"
}

// arm writes id into the request and returns the checksum of the prompt.
func (t *template) arm(id uint64) (key [16]byte, crc uint32) {
	const hexd = "0123456789abcdef"
	for i := 15; i >= 0; i-- {
		key[i] = hexd[id&15]
		id >>= 4
	}
	copy(t.msg[t.id:], key[:])
	return key, wire.CRC(t.msg[t.region[0]:t.region[1]])
}
