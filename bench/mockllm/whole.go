package main

import (
	"fmt"
	"strconv"

	"weir/bench/internal/wire"
)

func (k *conn) text(dst []byte) []byte {
	dst = wire.AppendHead(dst, k.s.ID, k.crc)
	return wire.AppendFill(dst, 0, k.s.Reply)
}

func (k *conn) usage() (in, out int) {
	return len(k.body)/4 + 1, (k.s.Reply+wire.HeadLen)/4 + 1
}

func (k *conn) whole(kind int, p []byte) []byte {
	in, out := k.usage()
	switch kind {
	case kChat:
		p = append(p, `{"id":"chatcmpl-`...)
		p = append(p, k.s.ID[:]...)
		p = append(p, `","object":"chat.completion","created":1760000000,"model":"`...)
		p = append(p, k.mod...)
		p = append(p, `","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
		p = k.text(p)
		p = append(p, `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],`...)
		p = fmt.Appendf(p, `"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_mock"}`, in, out, in+out)
	case kResponses:
		p = k.respObject(p, "completed")
	case kEmbeddings:
		p = append(p, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[`...)
		x := k.crc
		for i := range *dims {
			if i > 0 {
				p = append(p, ',')
			}
			x = x*1664525 + 1013904223
			p = strconv.AppendFloat(p, float64(x%20001)/10000-1, 'f', 4, 64)
		}
		p = append(p, `]}],"model":"`...)
		p = append(p, k.mod...)
		p = fmt.Appendf(p, `","usage":{"prompt_tokens":%d,"total_tokens":%d}}`, in, in)
	case kMessages:
		p = append(p, `{"id":"msg_`...)
		p = append(p, k.s.ID[:]...)
		p = append(p, `","type":"message","role":"assistant","model":"`...)
		p = append(p, k.mod...)
		p = append(p, `","content":[{"type":"text","text":"`...)
		p = k.text(p)
		p = fmt.Appendf(p, `"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%d,"service_tier":"standard"}}`, in, out)
	case kGemini:
		p = append(p, `{"candidates":[{"content":{"parts":[{"text":"`...)
		p = k.text(p)
		p = fmt.Appendf(p, `"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d},"modelVersion":"mock-1","responseId":"`, in, out, in+out)
		p = append(p, k.s.ID[:]...)
		p = append(p, `"}`...)
	}
	return p
}

func (k *conn) respObject(p []byte, status string) []byte {
	full := status == "completed"
	p = append(p, `{"id":"resp_`...)
	p = append(p, k.s.ID[:]...)
	p = append(p, `","object":"response","created_at":1760000000,"status":"`...)
	p = append(p, status...)
	p = append(p, `","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"`...)
	p = append(p, k.mod...)
	p = append(p, `","output":[`...)
	if full {
		p = append(p, `{"type":"message","id":"msg_`...)
		p = append(p, k.s.ID[:]...)
		p = append(p, `","status":"completed","role":"assistant","content":[{"type":"output_text","text":"`...)
		p = k.text(p)
		p = append(p, `","annotations":[]}]}`...)
	}
	p = append(p, `],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":`...)
	if full {
		in, out := k.usage()
		p = fmt.Appendf(p, `{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}`, in, out, in+out)
	} else {
		p = append(p, "null"...)
	}
	return append(p, `,"user":null,"metadata":{}}`...)
}
