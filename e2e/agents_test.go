package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/sim"
)

var update = flag.Bool("update", false, "write agents/lost.txt again")

// lostFile lists, by agent and dialect of the provider, what the gateway names lost in a session.
const lostFile = "agents/lost.txt"

// TestAgents lets coding agents work unchanged through the gateway: each does a small job with its own tools, led by a
// script of the simulated provider, and is then asked to go on. What proves it is the files, that every request was
// answered and none refused by the provider, that the agent itself is content, and that the record names every loss.
func TestAgents(t *testing.T) {
	lost := readLost(t)
	for _, a := range agents {
		t.Run(a.name, func(t *testing.T) {
			program := a.installed()
			if program == "" {
				t.Skipf("SKIPPED: %s is not installed (make e2e installs it where the registry can be reached)", a.name)
			}
			for _, via := range a.via {
				t.Run(via, func(t *testing.T) {
					s := newSession(t, a, via, program)
					s.work()
					s.checkRequests()
					lost[a.name+" "+via] = s.checkLosses(lost[a.name+" "+via])
				})
			}
		})
	}
	if *update && !t.Failed() {
		writeLost(t, lost)
	}
}

// agent is a coding agent.
type agent struct {
	name    string
	program string     // a pattern under agents/node_modules
	tool    string     // one of its tools, whose presence tells a turn from a question on the side
	via     []string   // dialects of the provider, its own first
	steps   [][]action // what the model does, turn by turn
	env     func(*session) []string
	args    func(s *session, program, prompt string, again bool) []string // the command line
	files   map[string]string                                             // written into its home; @URL@ stands for the gateway
	once    bool                                                          // it is not asked to go on
	content func(printed []byte) error                                    // whether it says that it came to its end
}

// action is a call of one of the agent's tools and what the result must hold.
type action struct {
	sim.ScriptCall
	result string
}

func (a *agent) installed() string {
	found, err := filepath.Glob(filepath.Join("agents/node_modules", a.program))
	if err != nil || len(found) == 0 {
		return ""
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		return ""
	}
	return path
}

// next says what the agent is to do now, by how many results it has brought.
func (a *agent) next(scene sim.Scene) []sim.ScriptCall {
	tool := func(name string) *sim.ScriptTool {
		if i := slices.IndexFunc(scene.Tools, func(t sim.ScriptTool) bool { return t.Name == name }); i >= 0 {
			return &scene.Tools[i]
		}
		return nil
	}
	if tool(a.tool) == nil {
		return nil
	}
	done := len(scene.Results)
	for _, step := range a.steps {
		if done > 0 {
			done -= len(step)
			continue
		}
		var calls []sim.ScriptCall
		for _, do := range step {
			if t := tool(do.Tool); t != nil && !t.Free && !strings.HasPrefix(do.Args, "{") {
				do.Args = inObject(t.Schema, do.Args)
			}
			calls = append(calls, do.ScriptCall)
		}
		return calls
	}
	return nil
}

// inObject wraps free text for a tool that takes it, but was offered to the provider as one that takes an object.
func inObject(schema []byte, text string) string {
	var s struct{ Required []string }
	if err := json.Unmarshal(schema, &s); err != nil || len(s.Required) != 1 {
		return text
	}
	return arguments(s.Required[0], text)
}

// arguments writes a JSON object of names and values in turn.
func arguments(pairs ...any) string {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// session is an agent at work on a gateway of its own before a provider of its own.
type session struct {
	t       *testing.T
	agent   *agent
	program string
	home    string // of the agent, with nothing in it but its own configuration
	dir     string // where it works
	url     string // of the watcher
	watch   *watcher
	sim     *sim.Provider
	records records

	mu   sync.Mutex // guards last, which the provider writes
	last []sim.ScriptResult
}

const agentDocument = `version: 1
listen: "@LISTEN@"
providers:
  up: { base_url: "@URL@", speaks: [@DIALECT@], api_key: sim }
models:
@MODELS@keys:
  - { name: agent, key: "@KEY@", models: ["*"] }
`

// agentModels are the names that the agents ask for of their own accord.
var agentModels = []string{
	"claude-sonnet-5", "claude-haiku-4-5", "gpt-5.5",
	"gemini-3.1-pro-preview", "gemini-3.5-flash-lite", "gemini-3.8-flash",
}

func newSession(t *testing.T, a *agent, via, program string) *session {
	t.Helper()
	s := &session{t: t, agent: a, program: program, home: scratch(t), dir: scratch(t)}
	s.sim = &sim.Provider{Pace: -1, Key: "sim", Script: func(scene sim.Scene) []sim.ScriptCall {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(scene.Results) > len(s.last) {
			s.last = scene.Results
		}
		return a.next(scene)
	}}
	base := serve(t, s.sim)
	if strings.HasPrefix(via, "openai-") {
		base += "/v1"
	}
	var models strings.Builder
	for _, name := range agentModels {
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: up, model: sim-think }] }\n", name)
	}
	listen := freeAddress(t)
	document := filepath.Join(t.TempDir(), "weir.yaml")
	text := strings.NewReplacer("@LISTEN@", listen, "@URL@", base, "@DIALECT@", via, "@MODELS@", models.String(), "@KEY@", key).Replace(agentDocument)
	write(t, document, text)
	start(t, document, listen, &s.records)
	s.watch, s.url = watch(t, "http://"+listen)
	for name, text := range a.files {
		write(t, filepath.Join(s.home, name), strings.ReplaceAll(text, "@URL@", s.url))
	}
	write(t, filepath.Join(s.dir, "notes.txt"), "Write poem.txt, then count its lines.\n")
	return s
}

// scratch is a folder that goes when the test ends, even if something is still written into it.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// work lets the agent do its job, then go on with the same conversation.
func (s *session) work() {
	s.run("Please do what notes.txt says.", false)
	for name, want := range map[string]string{"poem.txt": poem, "count.txt": "3"} {
		got, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(want) {
			s.t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	s.mu.Lock()
	n := 0
	for _, step := range s.agent.steps {
		for _, do := range step {
			if n >= len(s.last) || !strings.Contains(s.last[n].Text, do.result) && !oneOf(s.last, do) {
				s.t.Errorf("call %d: no result of %s holds %q: %+v", n, do.Tool, do.result, s.last)
			}
			n++
		}
	}
	s.mu.Unlock()
	if s.agent.once {
		return
	}
	before := len(s.sim.Calls())
	s.run("Thank you. What did you do?", true)
	if len(s.sim.Calls()) == before {
		s.t.Error("nothing reached the provider when the agent was to go on")
	}
	if calls := s.sim.Calls(); !bytes.Contains(calls[len(calls)-1].Body, []byte("notes.txt says")) {
		s.t.Error("the conversation did not go on: its beginning is not in the last request")
	}
}

// oneOf reports whether a call's result is among others of its tool: those of one step may come in any order.
func oneOf(results []sim.ScriptResult, do action) bool {
	return slices.ContainsFunc(results, func(r sim.ScriptResult) bool { return r.Tool == do.Tool && strings.Contains(r.Text, do.result) })
}

// run runs the agent to its end, and ends what it leaves behind.
func (s *session) run(prompt string, again bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	line := s.agent.args(s, s.program, prompt, again)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &out, &said
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "TMPDIR=" + s.home, "LANG=C.UTF-8", "TERM=dumb", "CI=1",
		// What is not asked of the gateway is asked of the watcher, which lets nothing out.
		"HTTPS_PROXY=" + s.url, "HTTP_PROXY=" + s.url, "https_proxy=" + s.url, "http_proxy=" + s.url,
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}, s.agent.env(s)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nothing is left of it as a rule
	}
	if err == nil {
		err = s.agent.content(out.Bytes())
	}
	if err != nil {
		tail := out.Bytes()
		s.t.Errorf("%s: %v\n%s\n%s", s.agent.name, errors.Join(ctx.Err(), err), said.Bytes(), tail[max(0, len(tail)-4000):])
	}
}

// checkRequests sees that every request of the agent was answered, and none refused by the provider.
func (s *session) checkRequests() {
	for _, x := range s.watch.all() {
		if x.status != 200 || x.left {
			s.t.Errorf("%s: %d, the agent left: %t\n%s", x, x.status, x.left, x.answer.Bytes())
		}
	}
	for _, c := range s.sim.Calls() {
		if c.Status != 200 || c.Left {
			s.t.Errorf("the provider answered %s %s with %d, the gateway left: %t", c.Method, c.Path, c.Status, c.Left)
		}
	}
	if len(s.watch.outside) > 0 {
		s.t.Errorf("the agent wanted to go elsewhere: %q", s.watch.outside)
	}
}

// checkLosses compares what answers name lost with the records, and with what is known to be lost.
func (s *session) checkLosses(known []string) []string {
	recorded := s.records.lost(s.t, len(s.watch.all()))
	said := s.watch.lost()
	if diff := difference(said, recorded); diff != "" {
		s.t.Errorf("answers and records name other losses: %s", diff)
	}
	lost := slices.Sorted(maps.Keys(said))
	if *update || s.t.Failed() {
		return lost
	}
	want := map[string]bool{}
	for _, path := range known {
		want[path] = true
	}
	if diff := difference(said, want); diff != "" {
		s.t.Errorf("what is lost is not what %s says (go test -run TestAgents -update writes it): %s", lostFile, diff)
	}
	return lost
}

func difference(got, want map[string]bool) string {
	var out []string
	for path := range got {
		if !want[path] {
			out = append(out, "+"+path)
		}
	}
	for path := range want {
		if !got[path] {
			out = append(out, "-"+path)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

var index = regexp.MustCompile(`\[\d+\]`)

// anywhere takes the places out of a path, so that sessions of different lengths lose the same.
func anywhere(path string) string { return index.ReplaceAllString(path, "[]") }

// records gathers what the gateway writes of its exchanges.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// lost waits for the records of n exchanges and returns the paths they name lost.
func (r *records) lost(t *testing.T, n int) map[string]bool {
	t.Helper()
	const mark, unserved = `"msg":"exchange"`, `"gen_ai.operation.name":"unserved"` // that it would rather speak WebSocket
	deadline := time.Now().Add(5 * time.Second)
	for {
		r.mu.Lock()
		text := strings.Clone(r.text.String())
		r.mu.Unlock()
		if strings.Count(text, mark)-strings.Count(text, unserved) < n && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if got := strings.Count(text, mark) - strings.Count(text, unserved); got != n {
			t.Errorf("%d records of %d exchanges", got, n)
		}
		out := map[string]bool{}
		for line := range strings.Lines(text) {
			var x struct {
				Losses []struct{ Path, Why, Grade string }
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			for _, l := range x.Losses {
				if l.Why == "" || l.Grade == "" {
					t.Errorf("the record does not say why %s is lost", l.Path)
				}
				if l.Grade != "aside" { // which answers leave out
					out[anywhere(l.Path)] = true
				}
			}
		}
		return out
	}
}

// readLost reads the file of known losses: a line for each session.
func readLost(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(lostFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if name, paths, is := strings.Cut(strings.TrimSpace(line), ": "); is {
			out[name] = strings.Split(paths, ", ")
		}
	}
	return out
}

func writeLost(t *testing.T, lost map[string][]string) {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(lost)) {
		if len(lost[name]) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(lost[name], ", "))
		}
	}
	write(t, lostFile, b.String())
}
