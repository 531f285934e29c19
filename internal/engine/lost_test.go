package engine_test

import (
	"io"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// A stream so short that it fits one read has the losses that show in its course in its trailer like any other.
func TestLostInAShortStream(t *testing.T) {
	for name, tt := range map[string]struct {
		path, model, stream, want string
	}{
		"chat client": {
			path: "/v1/chat/completions", model: "messages", want: "answer.stop",
			stream: "event: message_start\ndata: " + `{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}` +
				"\n\nevent: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":1}}` +
				"\n\nevent: message_stop\ndata: " + `{"type":"message_stop"}` + "\n\n",
		},
		"messages client": {
			path: "/v1/messages", model: "chat", want: "answer.refusal",
			stream: `data: {"id":"a1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","refusal":"No."},"finish_reason":"stop"}]}` +
				"\n\ndata: [DONE]\n\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			up := &replay.Upstream{
				Status: 200, Header: map[string]string{"content-type": "text/event-stream"}, Body: []byte(tt.stream), Read: 4096,
			}
			g := (&gatewaytest.Gateway{Upstream: up}).Start(t)
			// Over a connection: how an answer is framed decides whether it can have a trailer.
			resp := g.Post(t, tt.path, `{"model":"`+tt.model+`","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"Hi"}]}`)
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("%d, %v: %s", resp.StatusCode, err, body)
			}
			lost := resp.Header.Get("X-Weir-Lost") + ", " + resp.Trailer.Get("X-Weir-Lost")
			if !strings.Contains(lost, tt.want) {
				t.Errorf("%s is not named lost: head %v, trailer %v", tt.want, resp.Header, resp.Trailer)
			}
		})
	}
}
