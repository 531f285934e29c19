package engine_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// TestOIPInfo asks what clients of the Open Inference Protocol ask before they infer. What a model takes its own server
// says, under the name that it knows the model by.
func TestOIPInfo(t *testing.T) {
	const metadata = `{"name":"mood","versions":["1"],"platform":"onnxruntime_onnx","inputs":[{"name":"TEXT","datatype":"BYTES","shape":[-1]}],"outputs":[]}`
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(metadata)}
	g := (&gatewaytest.Gateway{Upstream: up, Document: `version: 1
providers: { triton: { base_url: "http://127.0.0.1:9", speaks: [oip-infer], auth: none } }
models: { classes: { targets: [{ provider: triton, model: mood/large }] } }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: [classes] }]
defaults: { unpriced: refuse }
`}).Start(t)
	for _, c := range []struct {
		path, up, want string
		status         int
	}{
		{"/v2/health/live", "", `{"live":true}`, 200},
		{"/v2/health/ready", "", `{"ready":true}`, 200},
		{"/v2", "", `"name":"weir"`, 200},
		{"/v2/models/classes/ready", "", `{"name":"classes","ready":true}`, 200},
		{"/v2/models/other/ready", "", `"error"`, 404},
		{"/v2/models/classes", "/v2/models/mood%2Flarge", metadata, 200},
		{"/v2/models/classes/versions/1", "/v2/models/mood%2Flarge/versions/1", metadata, 200},
		{"/v2/models/other", "", `"error"`, 404},
	} {
		up.Calls = nil
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.path, resp.StatusCode, body, c.status, c.want)
		}
		switch {
		case c.up == "" && len(up.Calls) != 0:
			t.Errorf("%s went up to %s", c.path, up.Calls[0].URL)
		case c.up != "" && (len(up.Calls) != 1 || up.Calls[0].Method != http.MethodGet || !strings.HasSuffix(up.Calls[0].URL, c.up) || len(up.Calls[0].Body) != 0):
			t.Errorf("%s went up as %+v", c.path, up.Calls)
		}
	}
	for _, x := range g.Records() {
		if x.Status == http.StatusOK && (x.Op != "models" || x.Cost != 0 || x.Unpriced != "" || x.Ending != gateway.Done) {
			t.Errorf("%+v", x)
		}
	}
}
