package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weir/internal/gateway"
	"weir/internal/price"
)

// line is what a record says of its cost.
type line struct {
	Msg       string      `json:"msg"`
	Streamed  bool        `json:"gen_ai.request.stream"`
	Input     int64       `json:"gen_ai.usage.input_tokens"`
	Output    int64       `json:"gen_ai.usage.output_tokens"`
	Cost      json.Number `json:"cost_usd"`
	Price     string      `json:"price"`
	CacheRead int64       `json:"gen_ai.usage.cache_read.input_tokens"`
}

// exchanges returns the records in an output, in the order they ended.
func exchanges(t *testing.T, out *output) []line {
	t.Helper()
	var all []line
	for text := range strings.Lines(out.String()) {
		var l line
		if json.Unmarshal([]byte(text), &l) == nil && l.Msg == "exchange" {
			all = append(all, l)
		}
	}
	return all
}

// TestPricesAreRefreshed changes price files under a running gateway: the next exchange has the new price, a stream that
// runs keeps the one it began with, and a file that is wrong changes nothing and is named with its line.
func TestPricesAreRefreshed(t *testing.T) {
	_, backOut := start(t, "sim", "--listen", "127.0.0.1:0", "--key", "sim-key", "--pace", "60ms")
	sim := backOut.find(t, `listening on (http://127.0.0.1:\d+)`)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := func(dollars string) string {
		return "prices 1\n[sim]\n source us 2026-01-01\nsim-1\n input " + dollars + " output " + dollars + "\n"
	}
	version := func(text string) string {
		table, err := price.Load(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return table.List("sim").Version
	}
	if err := os.Mkdir(filepath.Join(dir, "prices"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("prices/sim.txt", list("1"))
	write("weir.yaml", fmt.Sprintf("version: 1\nlisten: 127.0.0.1:0\nnode: { prices: prices }\nproviders:\n  sim: { base_url: \"%s/v1\", speaks: [openai-chat], api_key: sim-key }\nmodels:\n  m: { targets: [{ provider: sim, model: sim-1 }] }\nkeys: [{ name: web, key: wr-0123456789abcdef }]\n", sim))
	c, out := start(t, "serve", "-c", filepath.Join(dir, "weir.yaml"))
	url := out.find(t, `"url":"(http://127.0.0.1:\d+)"`)

	ask := func(stream bool) io.ReadCloser {
		t.Helper()
		body := fmt.Sprintf(`{"model":"m","stream":%v,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hello"}]}`, stream)
		if !stream {
			body = `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer wr-0123456789abcdef")
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", resp, err)
		}
		return resp.Body
	}
	read := func(r io.ReadCloser) {
		t.Helper()
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	// wants waits for the nth record and works its cost out: dollars per million, of what was read and written.
	wants := func(n int, streamed bool, dollars int64, text string) {
		t.Helper()
		out.find(t, fmt.Sprintf(`(?s)(?:"msg":"exchange".*){%d}`, n))
		l := exchanges(t, out)[n-1]
		cost := gateway.Money((l.Input + l.Output) * dollars * 1000) // billionths
		if l.Streamed != streamed || l.Input == 0 || l.Output == 0 || "$"+l.Cost.String() != cost.String() || l.Price != "sim/sim-1 of "+version(text) {
			t.Errorf("exchange %d: %+v, want %s of %s", n, l, cost, version(text))
		}
	}

	read(ask(false))
	wants(1, false, 1, list("1"))

	stream := ask(true)
	if _, err := io.ReadFull(stream, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	write("prices/sim.txt", list("3"))
	out.find(t, `"msg":"new prices are in use".*sim `+version(list("3")))
	if n := len(exchanges(t, out)); n != 1 {
		t.Fatalf("the stream was over before the prices changed: %d records", n)
	}
	read(stream)
	wants(2, true, 1, list("1"))
	read(ask(false))
	wants(3, false, 3, list("3"))

	write("prices/sim.txt", strings.Replace(list("5"), "output", "outptu", 1))
	out.find(t, `the new prices are refused; those before stay in use.*sim\.txt:5: outptu is no component of a price`)
	read(ask(false))
	wants(4, false, 3, list("3"))

	write("prices/sim.txt", list("7"))
	out.find(t, `"msg":"new prices are in use".*sim `+version(list("7")))
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	out.find(t, `(?s)(?:"msg":"new prices are in use".*){3}`)
	read(ask(false))
	wants(5, false, 7, list("7"))
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	for _, want := range []string{"weir_price_reloads_total 3\n", "weir_price_reloads_refused_total 1\n"} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// TestPricesOfFilesThatAreWrong: a gateway does not start with them, and check names the line.
func TestPricesOfFilesThatAreWrong(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"weir.yaml": "version: 1\nnode: { prices: prices.txt }\n", "prices.txt": "prices 1\n[a]\n source us 2026-01-01\nm\n input -1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{"serve", "check"} {
		c, out := start(t, command, "-c", filepath.Join(dir, "weir.yaml"))
		err := c.Wait()
		if err == nil || c.ProcessState.ExitCode() != exitDocument || !strings.Contains(out.String(), "weir.yaml:2:17: node.prices") || !strings.Contains(out.String(), "prices.txt:5: input -1: an amount is digits") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
