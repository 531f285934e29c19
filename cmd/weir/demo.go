package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/catalog"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/sim"
	"weir/internal/thing"
)

// portsTried is how many ports the demo tries from the one asked for.
const portsTried = 20

func demoCommand() *cobra.Command {
	var listen, key string
	c := &cobra.Command{
		Use: "demo", Short: "run a gateway in front of a simulated provider, with nothing configured", Args: none,
		Long: `Demo runs the gateway before a simulated provider on this machine, so that the whole way is real and costs nothing.
It prints a base URL, a key and a curl line, then one line per exchange.

Where OPENAI_API_KEY or ANTHROPIC_API_KEY is set, that provider joins under its models' own names; the demo itself sends
it nothing.`,
		Example: "  weir demo\n  weir demo --listen 127.0.0.1:9000 --key wr-my-own-key-of-16\n  ANTHROPIC_API_KEY=… weir demo",
		RunE:    func(c *cobra.Command, _ []string) error { return demo(c.Context(), c.OutOrStdout(), listen, key) },
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address; a taken port takes the next free one, port 0 any")
	c.Flags().StringVar(&key, "key", "", "the key to ask of clients, at least 16 characters (default: a random one)")
	return c
}

func demo(ctx context.Context, w io.Writer, listen, key string) error {
	if key == "" {
		var raw [16]byte
		_, _ = rand.Read(raw[:]) // never fails since Go 1.24
		key = "wr-" + hex.EncodeToString(raw[:])
	}
	front, moved, err := listenNear(listen)
	if err != nil {
		return err
	}
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	out := &lines{w: w}
	n, err := newNode(io.Discard, out)
	if err != nil {
		return err
	}
	defer n.close()
	n.engine.Things(thing.NewMemory(thing.Options{}))
	entries, err := catalog.Embedded()
	if err != nil {
		return err
	}
	env := n.env
	n.env = func(name string) (string, bool) {
		if name == demoKey {
			return key, true
		}
		return env(name)
	}
	text, joined := demoDocument(entries, back.Addr().String(), env)
	doc, s, err := n.read("demo.yaml", []byte(text), false)
	if err != nil {
		if len(key) < 16 {
			return coded{exitUsage, errors.New("--key takes at least 16 characters")}
		}
		return err
	}
	n.doc = doc
	n.engine.Use(s)

	provider := &http.Server{Handler: &sim.Provider{Key: demoKey}, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		_ = provider.Serve(back) // http.ErrServerClosed
		close(ended)
	}()
	defer func() {
		_ = provider.Close()
		<-ended
	}()

	base := "http://" + reachable(front.Addr())
	if moved {
		out.printf("%s is taken; listening on %s instead\n\n", listen, front.Addr())
	}
	out.printf("Weir %s · a gateway before a simulated provider; nothing leaves this machine\n\n", versionText())
	out.printf("  base URL   %s/v1     (Anthropic SDKs: %s)\n  key        %s\n  models     %s\n", base, base, key, strings.Join(s.Models[:min(4, len(s.Models))], ", ")+", …  (GET /v1/models)")
	if len(joined) > 0 {
		out.printf("  joined     %s (their keys are set here; only requests you send reach them)\n", strings.Join(joined, ", "))
	}
	out.printf("\n  curl %s/v1/chat/completions -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \\\n", base, key)
	out.printf("    -d '{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'\n\n", s.Models[0])
	return n.serve(ctx, doc.Node.Drain, map[net.Listener]http.Handler{front: n.api()})
}

// demoKey is the variable the demo's document names for its key, and the credential of the simulated provider.
const demoKey = "WEIR_DEMO_KEY"

// demoDialects are what the simulator is spoken to in, beside OpenAI's chat; each has a model of its name.
var demoDialects = []struct{ name, speaks string }{
	{"messages", "anthropic-messages"},
	{"responses", "openai-responses"},
	{"gemini", "gemini-generate, gemini-batches, gemini-live"},
	{"bedrock", "bedrock-converse"},
	{"cohere", "cohere-chat"},
	{"ollama", "ollama-chat"},
}

// demoDocument writes the document of the demo: the simulator in its dialects, and the providers whose keys the
// environment holds.
func demoDocument(entries *catalog.Catalog, back string, env func(string) (string, bool)) (text string, joined []string) {
	var b, models strings.Builder
	b.WriteString("version: 1\nnode: { drain: 5s }\nproviders:\n")
	fmt.Fprintf(&b, "  sim: { base_url: \"http://%s/v1\", speaks: [openai-chat, openai-completions, openai-embeddings, openai-images, openai-audio, openai-realtime, openai-files, openai-batches, mistral-batches], api_key: %s }\n", back, demoKey)
	for _, d := range demoDialects {
		base := "http://" + back
		if strings.HasPrefix(d.speaks, "openai") {
			base += "/v1"
		}
		fmt.Fprintf(&b, "  sim-%s: { base_url: %q, speaks: [%s], api_key: %s }\n", d.name, base, d.speaks, demoKey)
	}
	for _, m := range sim.Models() {
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: sim, model: %s }] }\n", m.ID, m.ID)
		if m.ID == sim.DefaultModel {
			for _, d := range demoDialects {
				fmt.Fprintf(&models, "  %s-%s: { targets: [{ provider: sim-%s, model: %s }] }\n", m.ID, d.name, d.name, m.ID)
			}
			fmt.Fprintf(&models, "  sim-failover: { targets: [{ provider: sim, model: sim-503 }, { provider: sim-messages, model: %s }] }\n", m.ID)
		}
	}
	for _, m := range sim.MediaModels() {
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: sim, model: %s }] }\n", m.ID, m.ID)
	}
	// What does not generate stands beside the dialects of conversations.
	fmt.Fprintf(&b, "  sim-side: { base_url: \"http://%s\", speaks: [classify, tei-classify, oip-infer, mistral-ocr, vllm-tokenize], api_key: %s }\n", back, demoKey)
	for _, m := range [...]string{sim.ClassifyModel, sim.OCRModel} {
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: sim-side, model: %s }] }\n", m, m)
	}
	for _, name := range entries.Names() {
		e, _ := entries.Entry(name)
		if v, ok := env(e.Env); !ok || v == "" || !e.Lists() {
			continue
		}
		joined = append(joined, e.Title)
		fmt.Fprintf(&b, "  %s: { api_key: \"${%s}\" }\n", name, e.Env)
		for _, m := range e.Models {
			if m.List {
				fmt.Fprintf(&models, "  %s: { targets: [{ provider: %s, model: %s }] }\n", m.Match, name, m.Match)
			}
		}
	}
	fmt.Fprintf(&b, "models:\n%skeys:\n  - { name: demo, key: \"${%s}\", models: [\"*\"] }\n", models.String(), demoKey)
	return b.String(), joined
}

// listenNear listens on an address, or on the next free port after it.
func listenNear(address string) (l net.Listener, moved bool, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, false, coded{exitUsage, fmt.Errorf("--listen takes HOST:PORT, not %q", address)}
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, false, coded{exitUsage, fmt.Errorf("--listen takes HOST:PORT, not %q", address)}
	}
	for i := range portsTried {
		l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(first+i)))
		if err == nil {
			return l, i > 0, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, false, err
		}
	}
	return nil, false, fmt.Errorf("no free port from %d to %d: %w", first, first+portsTried-1, err)
}

// reachable is the address a client on this machine can use.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}

// lines prints one line per exchange for people. It is a gateway.Observer.
type lines struct {
	mu sync.Mutex // guards w: lines stay whole
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
}

// Begin implements gateway.Observer.
func (l *lines) Begin(*gateway.Exchange) {}

// End implements gateway.Observer.
func (l *lines) End(x *gateway.Exchange) {
	text := fmt.Sprintf("%s  %s  %s  %d %s  %s", x.Start.Format(time.TimeOnly), x.Dialect, word(x.Head.Model), x.Status, x.Ending, x.Took.Round(time.Millisecond))
	if t := x.Answered(); t.Provider != "" {
		text += fmt.Sprintf("  → %s", word(t.String()))
		if n := len(x.Attempts); n > 1 {
			text += fmt.Sprintf(" (attempt %d)", n)
		}
	}
	switch u := x.Usage; {
	case u.Has(llm.SaidPages):
		text += fmt.Sprintf("  %d pages", u.Pages)
	case u != nil && u.Said != 0:
		text += fmt.Sprintf("  %d in, %d out", u.Input, u.Output)
	}
	if len(x.Losses) > 0 {
		text += fmt.Sprintf("  %d lost", len(x.Losses))
	}
	if x.Fault != nil {
		text += "  " + word(x.Fault.Message)
	}
	l.printf("%s\n", text)
}

// word makes a text that comes from elsewhere fit for a terminal line.
func word(s string) string {
	if len(s) > 120 {
		s = s[:120] + "…"
	}
	quoted := rawjson.AppendString(nil, strings.ToValidUTF8(s, "?"))
	return string(quoted[1 : len(quoted)-1])
}

func simCommand() *cobra.Command {
	var listen, key string
	var pace time.Duration
	c := &cobra.Command{
		Use: "sim", Short: "run the simulated provider alone", Args: none, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "listening on http://%s\n", l.Addr())
			s := &http.Server{Handler: &sim.Provider{Key: key, Pace: pace}, ReadHeaderTimeout: 10 * time.Second}
			stop := context.AfterFunc(c.Context(), func() { _ = s.Close() })
			defer stop()
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9100", "address")
	c.Flags().StringVar(&key, "key", os.Getenv("WEIR_SIM_KEY"), "credential to demand; empty = none")
	c.Flags().DurationVar(&pace, "pace", 0, "between events of a stream; 0 = a human pace, negative = none")
	return c
}
