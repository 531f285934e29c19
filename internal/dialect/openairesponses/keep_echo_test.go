package openairesponses

import (
	"testing"

	"weir/internal/frame"
)

func TestContinues(t *testing.T) {
	const none, said = `"previous_response_id":null`, `"previous_response_id":"resp_\"1"`
	for name, c := range map[string]struct{ in, want string }{
		"said in its place": {`{"id":"r", "output":[ 1 ],` + none + `,"x":1.0}`, `{"id":"r", "output":[ 1 ],` + said + `,"x":1.0}`},
		"put in":            {`{"output":[]}`, `{` + said + `,"output":[]}`},
		"an error":          {`{"error":{}}`, `{"error":{}}`},
		"dubious":           {`{"output":[],` + none + `,` + none + `}`, `{"output":[],` + none + `,` + none + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (responses{}).Continues(nil, []byte(c.in), `resp_"1`); string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			head, tail := `{"type":"response.created","response":`, `,"sequence_number":0}`
			f := frame.Frame{Data: []byte(head + c.in + tail), Raw: []byte("event: response.created\ndata: " + head + c.in + tail + "\n\n")}
			got := (responses{}).ContinuesFrame(f, `resp_"1`)
			if string(got.Data) != head+c.want+tail || string(got.Raw) != "event: response.created\ndata: "+head+c.want+tail+"\n\n" {
				t.Errorf("data %s\nraw %s", got.Data, got.Raw)
			}
		})
	}
	for _, raw := range []string{"data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n", "data: [DONE]\n\n", ": nothing\n\n"} {
		data := raw[len("data: ") : len(raw)-2]
		if got := (responses{}).ContinuesFrame(frame.Frame{Data: []byte(data), Raw: []byte(raw)}, "resp_1"); string(got.Raw) != raw || string(got.Data) != data {
			t.Errorf("%q became %q", raw, got.Raw)
		}
	}
}
