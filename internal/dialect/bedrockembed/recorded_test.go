package bedrockembed_test

import (
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/bedrockembed"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

// TestRecorded reads what was asked of real models and what they answered, and writes both again: nothing is lost, and
// every number is as it was written.
func TestRecorded(t *testing.T) {
	d := bedrockembed.New().(dialect.Embedder)
	played := 0
	for _, r := range replay.Load(t, string(llm.BedrockInvoke)) {
		if !bedrockembed.Makes(r.Model) || r.Response.Status != 200 {
			continue
		}
		played++
		e, err := d.DecodeEmbed(dialect.Call{Path: r.Endpoint.Path, Body: r.Body()})
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		call, losses, err := d.EncodeEmbed(e, llm.Facts{Model: r.Model})
		if err != nil || losses != nil {
			t.Errorf("%s: %v, lost %v", r.ID, err, losses)
		}
		for name, v := range rawjson.Members(r.Body()) {
			if got := rawjson.Get(call.Body, string(name)); rawjson.Kind(v) != '{' && string(got) != string(v) {
				t.Errorf("%s: %s was %s and is %s", r.ID, name, v, got)
			}
		}
		a, err := d.DecodeEmbedding(r.Answer())
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		out, losses, err := d.EncodeEmbedding(e, a)
		if err != nil || len(losses) > 0 || len(a.Vectors) != 1 || !strings.Contains(string(out), string(a.Vectors[0].Array)) {
			t.Errorf("%s: %d vectors, lost %v, %v", r.ID, len(a.Vectors), losses, err)
		}
		for name := range rawjson.Members(r.Answer()) {
			if rawjson.Get(out, string(name)) == nil {
				t.Errorf("%s: the answer's %s is lost", r.ID, name)
			}
		}
	}
	t.Logf("%d recordings", played)
	if played < 2 {
		t.Error("the recordings show too little")
	}
}
