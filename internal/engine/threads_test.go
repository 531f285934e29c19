package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/gatewaytest"
	"weir/internal/thread"
)

// keeping is a gateway with a provider that keeps nothing, in two dialects, and a model behind each.
const keeping = `version: 1
providers:
  chat: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
  messages: { base_url: "http://@SIM@", speaks: [anthropic-messages], api_key: sim }
  stateless: { base_url: "http://@SIM@/v1", speaks: [openai-responses], api_key: sim }
  openai: { base_url: "http://@SIM@/v1", speaks: [openai-responses], api_key: sim }
models:
  chat: { targets: [{ provider: chat, model: sim-1 }] }
  messages: { targets: [{ provider: messages, model: sim-1 }] }
  stateless: { targets: [{ provider: stateless, model: sim-1 }] }
  native: { targets: [{ provider: openai, model: sim-1 }] }
  either: { targets: [{ provider: openai, model: sim-1 }, { provider: chat, model: sim-1 }] }
keys:
  - { name: one, key: one-` + gatewaytest.Key + `, models: ["*"] }
  - { name: two, key: two-` + gatewaytest.Key + `, models: ["*"] }
`

type kept struct {
	ID       string
	Status   string
	Object   string
	Store    *bool
	Output   []json.RawMessage
	Previous string `json:"previous_response_id"`
	Error    *struct{ Message, Code, Param string }
	Data     []struct{ ID, Type, Role string }
	HasMore  bool   `json:"has_more"`
	First    string `json:"first_id"`
	Deleted  bool
}

type client struct {
	t *testing.T
	g *gatewaytest.Gateway
}

func (c client) do(method, path, key, body string) (int, kept, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.g.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key+"-"+gatewaytest.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		c.t.Fatal(err)
	}
	var k kept
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(out, &k); err != nil {
			c.t.Fatalf("%v in %s", err, out)
		}
		return resp.StatusCode, k, string(out)
	}
	for line := range strings.Lines(string(out)) {
		if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(line, `"response.completed"`) {
			var last struct{ Response kept }
			if err := json.Unmarshal([]byte(data), &last); err != nil {
				c.t.Fatal(err)
			}
			k = last.Response
		}
	}
	return resp.StatusCode, k, string(out)
}

// lastSent is the body that the provider got last.
func (c client) lastSent() string {
	calls := c.g.Sim.Calls()
	return string(calls[len(calls)-1].Body)
}

// TestKeptConversation goes on from answers that no provider keeps, whole and streamed, from dialect to dialect. Only
// the key that asked finds them.
func TestKeptConversation(t *testing.T) {
	for _, stream := range []bool{false, true} {
		for _, model := range []string{"chat", "messages", "stateless"} {
			t.Run(fmt.Sprintf("%s, stream %t", model, stream), func(t *testing.T) {
				c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
				status, first, out := c.do("POST", "/v1/responses", "one", fmt.Sprintf(`{"model":%q,"stream":%t,"instructions":"Be brief.","input":"My name is Ada."}`, model, stream))
				if status != 200 || !strings.HasPrefix(first.ID, "resp_") || len(first.Output) == 0 {
					t.Fatalf("%d %s", status, out)
				}
				ask := fmt.Sprintf(`{"model":%q,"stream":%t,"input":[{"role":"user","content":"And yours?"}],"previous_response_id":%q}`, model, stream, first.ID)
				status, second, out := c.do("POST", "/v1/responses", "one", ask)
				sent := c.lastSent()
				if status != 200 || !strings.Contains(sent, "My name is Ada.") || !strings.Contains(sent, "And yours?") || strings.Contains(sent, "Be brief.") || strings.Contains(sent, first.ID) {
					t.Fatalf("%d, the provider got %s and said %s", status, sent, out)
				}
				if second.Previous != first.ID {
					t.Errorf("the answer goes on from %q, not from %q: %s", second.Previous, first.ID, out)
				}
				// The third turn knows the two before it, at a provider of another dialect.
				status, _, out = c.do("POST", "/v1/responses", "one", fmt.Sprintf(`{"model":"messages","input":"Well?","previous_response_id":%q}`, second.ID))
				if sent = c.lastSent(); status != 200 || !strings.Contains(sent, "My name is Ada.") || !strings.Contains(sent, "And yours?") || !strings.Contains(sent, "Well?") {
					t.Errorf("%d, the provider got %s and said %s", status, sent, out)
				}
				calls := len(c.g.Sim.Calls())
				status, k, _ := c.do("POST", "/v1/responses", "two", ask)
				if status != 404 || k.Error == nil || k.Error.Code != "previous_response_not_found" || len(c.g.Sim.Calls()) != calls {
					t.Errorf("another key: %d %+v", status, k.Error)
				}
				if status, k, _ = c.do("GET", "/v1/responses/"+first.ID, "one", ""); status != 200 || k.ID != first.ID || len(k.Output) != len(first.Output) {
					t.Errorf("asked again: %d %+v", status, k)
				}
				if status, _, _ = c.do("GET", "/v1/responses/"+first.ID, "two", ""); status != 404 {
					t.Errorf("asked by another key: %d", status)
				}
				if status, k, _ = c.do("GET", "/v1/responses/"+second.ID+"/input_items?limit=1", "one", ""); status != 200 || len(k.Data) != 1 || !k.HasMore || k.Data[0].ID == "" || k.Data[0].Role != "user" {
					t.Errorf("input items: %d %+v", status, k)
				}
				if status, _, _ = c.do("DELETE", "/v1/responses/"+first.ID, "two", ""); status != 404 {
					t.Errorf("deleted by another key: %d", status)
				}
				if status, k, _ = c.do("DELETE", "/v1/responses/"+first.ID, "one", ""); status != 200 || !k.Deleted {
					t.Errorf("deleted: %d %+v", status, k)
				}
				if status, _, _ = c.do("GET", "/v1/responses/"+first.ID, "one", ""); status != 404 {
					t.Errorf("asked for what is deleted: %d", status)
				}
			})
		}
	}
}

// TestKeptReference lets the input stand for an item of a kept answer.
func TestKeptReference(t *testing.T) {
	c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
	_, first, _ := c.do("POST", "/v1/responses", "one", `{"model":"chat","input":"Hello"}`)
	var item struct{ ID string }
	if err := json.Unmarshal(first.Output[len(first.Output)-1], &item); err != nil || item.ID == "" {
		t.Fatalf("%v %s", err, first.Output)
	}
	ask := fmt.Sprintf(`{"model":"chat","input":[{"role":"user","content":"Hello"},{"type":"item_reference","id":%q},{"role":"user","content":"Go on"}]}`, item.ID)
	status, _, out := c.do("POST", "/v1/responses", "one", ask)
	if sent := c.lastSent(); status != 200 || !strings.Contains(sent, `"role":"assistant"`) || strings.Contains(sent, "item_reference") {
		t.Errorf("%d, the provider got %s and said %s", status, sent, out)
	}
	if status, k, _ := c.do("POST", "/v1/responses", "two", ask); status != 404 || k.Error.Code != "item_not_found" {
		t.Errorf("another key: %d %+v", status, k.Error)
	}
}

// TestUnkept keeps nothing where nothing was to be kept, and of answers that failed.
func TestUnkept(t *testing.T) {
	c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
	store := thread.NewMemory(thread.Options{})
	c.g.Engine.Threads(store)
	if status, k, out := c.do("POST", "/v1/responses", "one", `{"model":"chat","input":"Hello","store":false}`); status != 200 || k.Store == nil || *k.Store {
		t.Errorf("%d %s", status, out)
	}
	if status, _, _ := c.do("POST", "/v1/responses", "one", `{"model":"chat/sim-500","input":"Hello"}`); status < 500 {
		t.Errorf("%d", status)
	}
	for range 100 {
		if store.Stats().Turns == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := store.Stats().Turns; n != 0 {
		t.Errorf("%d turns are kept", n)
	}
	// A full store: who asked for keeping is refused before anything is sent, everybody else is told.
	c.g.Engine.Threads(thread.NewMemory(thread.Options{Bytes: 1 << 10}))
	long := strings.Repeat("so it goes ", 200)
	calls := len(c.g.Sim.Calls())
	status, k, out := c.do("POST", "/v1/responses", "one", `{"model":"chat","store":true,"input":"`+long+`"}`)
	if status != 503 || !strings.Contains(k.Error.Message, "store: false") || len(c.g.Sim.Calls()) != calls {
		t.Errorf("%d %s", status, out)
	}
	if status, k, out = c.do("POST", "/v1/responses", "one", `{"model":"chat","input":"`+long+`"}`); status != 200 || k.Store == nil || *k.Store {
		t.Errorf("%d %s", status, out)
	}
}

// TestKeptInBackground makes an answer while the client does something else; it can be asked for, stopped and deleted.
func TestKeptInBackground(t *testing.T) {
	c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
	wait := func(id, state string) kept {
		t.Helper()
		for range 300 {
			if _, k, _ := c.do("GET", "/v1/responses/"+id, "one", ""); k.Status == state {
				return k
			}
			time.Sleep(10 * time.Millisecond)
		}
		_, k, out := c.do("GET", "/v1/responses/"+id, "one", "")
		t.Fatalf("%s is %s, not %s: %s", id, k.Status, state, out)
		return k
	}
	status, k, out := c.do("POST", "/v1/responses", "one", `{"model":"chat","input":"Hello","background":true}`)
	if status != 200 || k.Status != "in_progress" || len(k.Output) != 0 {
		t.Fatalf("%d %s", status, out)
	}
	if done := wait(k.ID, "completed"); len(done.Output) == 0 || done.ID != k.ID {
		t.Errorf("%+v", done)
	}
	status, k, out = c.do("POST", "/v1/responses", "one", `{"model":"chat/sim-500","input":"Hello","background":true}`)
	if status != 200 {
		t.Fatalf("%d %s", status, out)
	}
	if failed := wait(k.ID, "failed"); failed.Error == nil || failed.Error.Message == "" {
		t.Errorf("%+v", failed)
	}
	status, k, out = c.do("POST", "/v1/responses", "one", `{"model":"chat/sim-hang","input":"Hello","background":true}`)
	if status != 200 {
		t.Fatalf("%d %s", status, out)
	}
	if status, _, _ = c.do("POST", "/v1/responses", "one", fmt.Sprintf(`{"model":"chat","input":"?","previous_response_id":%q}`, k.ID)); status != 400 {
		t.Errorf("going on from what is not there yet: %d", status)
	}
	if status, _, _ = c.do("POST", "/v1/responses/"+k.ID+"/cancel", "two", ""); status != 404 {
		t.Errorf("cancelled by another key: %d", status)
	}
	if status, k, out = c.do("POST", "/v1/responses/"+k.ID+"/cancel", "one", ""); status != 200 || k.Status != "cancelled" {
		t.Errorf("%d %s", status, out)
	}
	if status, _, out = c.do("POST", "/v1/responses", "one", `{"model":"chat","input":"Hello","background":true,"store":false}`); status != 400 {
		t.Errorf("%d %s", status, out)
	}
}

// TestKeptByProvider leaves the conversation to a provider that keeps it: the gateway knows whose it is, and where.
func TestKeptByProvider(t *testing.T) {
	c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
	c.g.Engine.Snapshot().Places["openai"].Keeps = true
	for _, stream := range []bool{false, true} {
		_, first, out := c.do("POST", "/v1/responses", "one", fmt.Sprintf(`{"model":"native","stream":%t,"input":"My name is Ada."}`, stream))
		if first.ID == "" {
			t.Fatal(out)
		}
		ask := fmt.Sprintf(`{"model":"either","stream":%t,"input":"And yours?","previous_response_id":%q}`, stream, first.ID)
		status, _, out := c.do("POST", "/v1/responses", "one", ask)
		if sent := c.lastSent(); status != 200 || strings.Contains(sent, "Ada") || !strings.Contains(sent, first.ID) {
			t.Errorf("%d, the provider got %s and said %s", status, sent, out)
		}
		records := c.g.Records()
		if x := records[len(records)-1]; len(x.Plan.Targets) != 1 || len(x.Plan.PassedOver) != 1 || !strings.Contains(x.Plan.PassedOver[0].Why, "keeps this conversation") {
			t.Errorf("%+v", x.Plan)
		}
		calls := len(c.g.Sim.Calls())
		if status, _, _ = c.do("POST", "/v1/responses", "two", ask); status != 404 || len(c.g.Sim.Calls()) != calls {
			t.Errorf("another key: %d", status)
		}
		if status, k, _ := c.do("POST", "/v1/responses", "one", strings.Replace(ask, `"either"`, `"chat"`, 1)); status != 404 || !strings.Contains(k.Error.Message, "keeps this conversation") {
			t.Errorf("a model that does not reach it: %d %+v", status, k.Error)
		}
		for path, want := range map[string]int{"": 200, "/input_items": 200} {
			if status, _, out := c.do("GET", "/v1/responses/"+first.ID+path, "one", ""); status != want {
				t.Errorf("%s: %d %s", path, status, out)
			}
			if status, _, _ := c.do("GET", "/v1/responses/"+first.ID+path, "two", ""); status != 404 {
				t.Errorf("%s by another key: %d", path, status)
			}
		}
		if status, k, out := c.do("DELETE", "/v1/responses/"+first.ID, "one", ""); status != 200 || !k.Deleted {
			t.Errorf("%d %s", status, out)
		}
		if status, _, _ := c.do("GET", "/v1/responses/"+first.ID, "one", ""); status != 404 {
			t.Errorf("what is deleted: %d", status)
		}
	}
}

// TestKeptElsewhere refuses a conversation that another provider keeps: without it the answer would be wrong.
func TestKeptElsewhere(t *testing.T) {
	c := client{t, (&gatewaytest.Gateway{Document: keeping}).Start(t)}
	for member, value := range map[string]string{"conversation": `"conv_1"`, "prompt": `{"id":"pmpt_1"}`} {
		status, k, out := c.do("POST", "/v1/responses", "one", fmt.Sprintf(`{"model":"chat","input":"Hello",%q:%s}`, member, value))
		if status != 400 || k.Error.Param != member {
			t.Errorf("%s: %d %s", member, status, out)
		}
	}
	if n := len(c.g.Sim.Calls()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
}
