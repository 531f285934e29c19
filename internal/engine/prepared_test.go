package engine_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// pdf is a document of one page, in base64.
func pdf(text string) string {
	page := "BT /F1 12 Tf 72 720 Td (" + text + ") Tj ET"
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(page), page),
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	b.WriteString("xref\n0 6\n0000000000 65535 f \n")
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", start)
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func picture(w, h int) string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// Models of the simulator: one that reads text only, in each dialect that it speaks, and one that sees.
const preparing = `version: 1
providers:
  chat:      { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
  responses: { base_url: "http://@SIM@/v1", speaks: [openai-responses], api_key: sim }
  messages:  { base_url: "http://@SIM@", speaks: [anthropic-messages], api_key: sim }
  google:    { base_url: "http://@SIM@", speaks: [gemini-generate], api_key: sim }
  converse:  { base_url: "http://@SIM@", speaks: [bedrock-converse], auth: bearer, api_key: sim }
  ollama:    { base_url: "http://@SIM@", speaks: [ollama-chat], auth: none }
  seeing:    { catalog: anthropic, base_url: "http://@SIM@", api_key: sim }
  reading:   { catalog: openai, base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
models:
  to-chat:      { targets: [{ provider: chat, model: sim-text }], transforms: [documents-to-text] }
  to-responses: { targets: [{ provider: responses, model: sim-text }], transforms: [documents-to-text] }
  to-messages:  { targets: [{ provider: messages, model: sim-text }], transforms: [documents-to-text] }
  to-gemini:    { targets: [{ provider: google, model: sim-text }], transforms: [documents-to-text] }
  to-converse:  { targets: [{ provider: converse, model: sim-text }], transforms: [documents-to-text] }
  to-ollama:    { targets: [{ provider: ollama, model: sim-text }], transforms: [documents-to-text] }
  plain:        { targets: [{ provider: chat, model: sim-text }] }
  both:         { targets: [{ provider: chat, model: sim-503 }, { provider: ollama, model: sim-1 }], transforms: [documents-to-text] }
  reads:        { targets: [{ provider: reading, model: sim-1 }], transforms: [documents-to-text, images-fit, system-first] }
  sees:         { targets: [{ provider: seeing, model: sim-1 }], transforms: [images-fit] }
  first:        { targets: [{ provider: chat, model: sim-1 }], transforms: [system-first] }
  to-user:      { targets: [{ provider: chat, model: sim-1 }], transforms: [system-to-user] }
keys:
  - { name: test, key: ` + gatewaytest.Key + ` }
  - { name: strict, key: strict-` + gatewaytest.Key + `, strict: true }
`

// askers write a question with a document in each client dialect. @MODEL@ stands for the model, @PDF@ for the document.
var askers = []struct {
	name, path, body, at string
}{
	{"openai-chat", "/v1/chat/completions", `{"model":"@MODEL@","messages":[{"role":"user","content":[{"type":"text","text":"What does it say?"},{"type":"file","file":{"filename":"note.pdf","file_data":"data:application/pdf;base64,@PDF@"}}]}]}`, "messages[0].content[1]"},
	{"openai-responses", "/v1/responses", `{"model":"@MODEL@","input":[{"role":"user","content":[{"type":"input_text","text":"What does it say?"},{"type":"input_file","filename":"note.pdf","file_data":"data:application/pdf;base64,@PDF@"}]}]}`, "input[0].content[1]"},
	{"anthropic-messages", "/v1/messages", `{"model":"@MODEL@","max_tokens":99,"messages":[{"role":"user","content":[{"type":"text","text":"What does it say?"},{"type":"document","title":"note.pdf","source":{"type":"base64","media_type":"application/pdf","data":"@PDF@"}}]}]}`, "messages[0].content[1]"},
	{"gemini-generate", "/v1beta/models/@MODEL@:generateContent", `{"contents":[{"role":"user","parts":[{"text":"What does it say?"},{"inlineData":{"mimeType":"application/pdf","data":"@PDF@"}}]}]}`, "contents[0].parts[1]"},
	{"bedrock-converse", "/model/@MODEL@/converse", `{"messages":[{"role":"user","content":[{"text":"What does it say?"},{"document":{"format":"pdf","name":"note","source":{"bytes":"@PDF@"}}}]}]}`, "messages[0].content[1]"},
}

func fillIn(s, model string) string {
	return strings.NewReplacer("@MODEL@", model, "@PDF@", pdf("The answer is 42.")).Replace(s)
}

// TestPreparedUntouched: a target that takes everything gets the client's bytes.
func TestPreparedUntouched(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	body := strings.Replace(fillIn(askers[0].body, "reads"), `"messages":[`, `"messages":[ {"role":"system","content":"Be  short."} , {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`+picture(10, 10)+`"}}]},`, 1)
	resp := g.Post(t, askers[0].path, body)
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	x := g.Wait(t, 1)[0]
	if want := strings.Replace(body, `"reads"`, `"sim-1"`, 1); resp.StatusCode != http.StatusOK || string(g.Sim.Calls()[0].Body) != want || resp.Header.Get("x-weir-lost") != "" || x.Attempts[0].Prepared != nil {
		t.Errorf("%d, sent %.300s", resp.StatusCode, g.Sim.Calls()[0].Body)
	}
}

func TestPreparedImages(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	for i, c := range []struct{ path, body, at string }{
		{"/v1/messages", `{"model":"sees","max_tokens":99,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + picture(9000, 20) + `"}}]}]}`, "messages[0].content[0]"},
		{"/v1/chat/completions", `{"model":"sees","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + picture(9000, 20) + `"}}]}]}`, "messages[0].content[0]"},
	} {
		resp := g.Post(t, c.path, c.body)
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		x := g.Wait(t, i+1)[i]
		var sent struct {
			Messages []struct {
				Content []struct {
					Source struct {
						Type string `json:"media_type"`
						Data []byte
					}
				}
			}
		}
		if err := json.Unmarshal(g.Sim.Calls()[i].Body, &sent); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %d %s", err, resp.StatusCode, answer)
		}
		source := sent.Messages[0].Content[0].Source
		config, format, err := image.DecodeConfig(bytes.NewReader(source.Data))
		if err != nil || config.Width != 8000 || config.Height != 18 || source.Type != "image/"+format {
			t.Errorf("%s: %v, %dx%d, %s said to be %s", c.path, err, config.Width, config.Height, format, source.Type)
		}
		if l := x.Losses; len(l) == 0 || l[0].Path != c.at || l[0].Why != "scaled from 9000x20 to 8000x18" {
			t.Errorf("%s: %+v", c.path, l)
		}
	}
}

func TestPreparedSystem(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	const turns = `"messages":[{"role":"user","content":"Hi"},{"role":"system","content":"Be short."},{"role":"user","content":"Well?"}]`
	for i, c := range []struct{ model, want string }{
		{"first", `"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi"},{"role":"user","content":"Well?"}]`},
		{"to-user", `"messages":[{"role":"user","content":"Be short.\n\nHi"},{"role":"user","content":"Well?"}]`},
	} {
		resp := g.Post(t, "/v1/chat/completions", `{"model":"`+c.model+`",`+turns+`}`)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if sent := string(g.Sim.Calls()[i].Body); !strings.Contains(sent, c.want) || resp.Header.Get("x-weir-lost") != "messages[1]" {
			t.Errorf("%s: lost %q, sent %s", c.model, resp.Header.Get("x-weir-lost"), sent)
		}
	}
}

// TestPreparedThread goes on from an answer that its provider keeps.
func TestPreparedThread(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(preparing, "speaks: [openai-chat], api_key: sim }\nmodels", "speaks: [openai-responses], api_key: sim }\nmodels", 1)}).Start(t)
	resp := g.Post(t, "/v1/responses", `{"model":"reads","input":"Hello","store":true}`)
	var first struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&first); err != nil || first.ID == "" {
		t.Fatalf("%d %v", resp.StatusCode, err)
	}
	resp.Body.Close()
	bmp := base64.StdEncoding.EncodeToString(append([]byte("BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x18\x00\x00\x00\x00\x00\x04\x00\x00\x00"), make([]byte, 16+4)...))
	resp = g.Post(t, "/v1/responses", `{"model":"reads","previous_response_id":"`+first.ID+`","store":true,"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/bmp;base64,`+bmp+`"}]}]}`)
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	calls := g.Sim.Calls()
	sent := string(calls[len(calls)-1].Body)
	if resp.StatusCode != http.StatusOK || !strings.Contains(sent, `"previous_response_id":"`+first.ID+`"`) || !strings.Contains(sent, "data:image/png;base64,") || !strings.Contains(sent, `"store":true`) {
		t.Errorf("%d %s\nsent %s", resp.StatusCode, answer, sent)
	}
}
