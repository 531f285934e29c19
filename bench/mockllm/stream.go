package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"weir/bench/internal/h1"
	"weir/bench/internal/wire"
)

// delta appends the text of streamed chunk i.
func (k *conn) delta(p []byte, i int) []byte {
	if i == 0 {
		return wire.AppendHead(p, k.s.ID, k.crc)
	}
	if k.s.Stamp {
		p = wire.AppendStamp(p, time.Now().UnixNano())
	}
	return wire.AppendFill(p, (i-1)*k.s.Size, k.s.Size)
}

func (k *conn) put(event []byte) { k.out = h1.AppendChunk(k.out, event) }

func (k *conn) flush() error {
	_, err := k.c.Write(k.out)
	k.out = k.out[:0]
	return err
}

func (k *conn) stream(kind int) error {
	ct := "text/event-stream; charset=utf-8"
	if kind == kGeminiArray {
		ct = "application/json"
	}
	k.out = head(k.out[:0], 200, ct, -1, idHeader)
	n := max(k.s.Chunks, 1)
	in := len(k.body)/4 + 1
	seq := 0
	k.open(kind, in, &seq)
	for i := range n {
		if i > 0 && k.s.Delay > 0 {
			time.Sleep(time.Duration(k.s.Delay) * time.Microsecond)
		}
		if k.drop && i == (n+1)/2 {
			stat.drop.Add(1)
			k.gone = true
			return k.flush()
		}
		k.event(kind, i, n, in, &seq)
		if err := k.flush(); err != nil {
			stat.cut.Add(1)
			return err
		}
	}
	k.closeStream(kind, n, in, &seq)
	k.out = append(k.out, "0\r\n\r\n"...)
	return k.flush()
}

func (k *conn) open(kind, in int, seq *int) {
	switch kind {
	case kChat:
		k.tmp = k.chatHead(k.tmp[:0])
		k.tmp = append(k.tmp, `"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}`+"\n\n"...)
		k.put(k.tmp)
	case kMessages:
		p := append(k.tmp[:0], "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_"...)
		p = append(p, k.s.ID[:]...)
		p = append(p, `","type":"message","role":"assistant","model":"`...)
		p = append(p, k.mod...)
		p = fmt.Appendf(p, `","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}`+"\n\n", in)
		k.put(p)
		k.put([]byte("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"))
		k.put([]byte("event: ping\ndata: {\"type\": \"ping\"}\n\n"))
		k.tmp = p
	case kResponses:
		for _, e := range []string{"response.created", "response.in_progress"} {
			p := k.respEvent(k.tmp[:0], e, seq)
			p = append(p, `"response":`...)
			p = k.respObject(p, "in_progress")
			p = append(p, "}\n\n"...)
			k.put(p)
			k.tmp = p
		}
		p := k.respEvent(k.tmp[:0], "response.output_item.added", seq)
		p = append(p, `"output_index":0,"item":{"type":"message","id":"msg_`...)
		p = append(p, k.s.ID[:]...)
		p = append(p, `","status":"in_progress","role":"assistant","content":[]}}`+"\n\n"...)
		k.put(p)
		p = k.respEvent(p[:0], "response.content_part.added", seq)
		p = k.respItem(p)
		p = append(p, `"part":{"type":"output_text","text":"","annotations":[]}}`+"\n\n"...)
		k.put(p)
		k.tmp = p
	}
}

func (k *conn) chatHead(p []byte) []byte {
	p = append(p, `data: {"id":"chatcmpl-`...)
	p = append(p, k.s.ID[:]...)
	p = append(p, `","object":"chat.completion.chunk","created":1760000000,"model":"`...)
	p = append(p, k.mod...)
	return append(p, `","service_tier":"default","system_fingerprint":"fp_mock",`...)
}

func (k *conn) respEvent(p []byte, e string, seq *int) []byte {
	p = append(p, "event: "...)
	p = append(p, e...)
	p = append(p, "\ndata: {\"type\":\""...)
	p = append(p, e...)
	p = append(p, `","sequence_number":`...)
	p = strconv.AppendInt(p, int64(*seq), 10)
	*seq++
	return append(p, ',')
}

func (k *conn) respItem(p []byte) []byte {
	p = append(p, `"item_id":"msg_`...)
	p = append(p, k.s.ID[:]...)
	return append(p, `","output_index":0,"content_index":0,`...)
}

func (k *conn) event(kind, i, n, in int, seq *int) {
	p := k.tmp[:0]
	switch kind {
	case kChat:
		p = k.chatHead(p)
		p = append(p, `"choices":[{"index":0,"delta":{"content":"`...)
		p = k.delta(p, i)
		p = append(p, `"},"logprobs":null,"finish_reason":null}],"usage":null}`+"\n\n"...)
	case kMessages:
		p = append(p, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\""...)
		p = k.delta(p, i)
		p = append(p, "\"}}\n\n"...)
	case kResponses:
		p = k.respEvent(p, "response.output_text.delta", seq)
		p = k.respItem(p)
		p = append(p, `"delta":"`...)
		p = k.delta(p, i)
		p = append(p, "\",\"logprobs\":[]}\n\n"...)
	case kGeminiStream, kGeminiArray:
		switch {
		case kind == kGeminiStream:
			p = append(p, "data: "...)
		case i == 0:
			p = append(p, '[')
		default:
			p = append(p, ",\r\n"...)
		}
		p = append(p, `{"candidates":[{"content":{"parts":[{"text":"`...)
		p = k.delta(p, i)
		p = append(p, `"}],"role":"model"},`...)
		if i == n-1 {
			p = append(p, `"finishReason":"STOP",`...)
		}
		out := k.outTokens(n)
		p = fmt.Appendf(p, `"index":0}],"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d},"modelVersion":"mock-1"}`, in, out, in+out)
		if kind == kGeminiStream {
			p = append(p, "\r\n\r\n"...)
		}
	}
	k.put(p)
	k.tmp = p
}

func (k *conn) outTokens(n int) int { return (wire.HeadLen+(n-1)*k.s.Size)/4 + 1 }

func (k *conn) closeStream(kind, n, in int, seq *int) {
	out := k.outTokens(n)
	p := k.tmp[:0]
	switch kind {
	case kChat:
		p = k.chatHead(p)
		p = append(p, `"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}`+"\n\n"...)
		k.put(p)
		if bytes.Contains(k.body, []byte(`"include_usage"`)) {
			p = k.chatHead(p[:0])
			p = fmt.Appendf(p, `"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}`+"\n\n", in, out, in+out)
			k.put(p)
		}
		k.put([]byte("data: [DONE]\n\n"))
	case kMessages:
		k.put([]byte("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"))
		p = fmt.Appendf(p, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%d}}\n\n", out)
		k.put(p)
		k.put([]byte("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
	case kResponses:
		k.s.Reply = (n - 1) * k.s.Size
		p = k.respEvent(p, "response.output_text.done", seq)
		p = k.respItem(p)
		p = append(p, `"text":"`...)
		p = k.text(p)
		p = append(p, "\",\"logprobs\":[]}\n\n"...)
		k.put(p)
		p = k.respEvent(p[:0], "response.completed", seq)
		p = append(p, `"response":`...)
		p = k.respObject(p, "completed")
		p = append(p, "}\n\n"...)
		k.put(p)
	case kGeminiArray:
		k.put([]byte("]"))
	}
	k.tmp = p
}
