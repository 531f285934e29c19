// Load drives one endpoint and checks every answer: closed loop over a number
// of connections, or open loop at a constant rate without coordinated omission.
// It prints one report and exits with status 1 if any answer was wrong. Its
// flags are in ../README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"weir/bench/internal/loadgen"
)

// multi collects repeated -H flags.
type multi map[string]string

func (m multi) String() string { return "" }
func (m multi) Set(s string) error {
	k, v, ok := strings.Cut(s, ":")
	if !ok {
		return fmt.Errorf("want name: value")
	}
	m[strings.TrimSpace(k)] = strings.TrimSpace(v)
	return nil
}

func main() {
	var c loadgen.Config
	hdr := multi{}
	extra := ""
	flag.StringVar(&c.Addr, "addr", "127.0.0.1:9100", "host:port of the target")
	flag.StringVar(&c.Path, "path", "", "request path (default: by api)")
	flag.StringVar(&c.API, "api", "openai", "openai, responses, embeddings, anthropic or gemini")
	flag.StringVar(&c.Model, "model", "mock-1", "model name")
	flag.StringVar(&c.Size, "size", "small", "prompt: small (200 B), medium (10 KB), large (100 KB) or a number of bytes")
	flag.BoolVar(&c.Stream, "stream", false, "stream the answer")
	flag.IntVar(&c.Chunks, "chunks", 20, "chunks asked of the mock")
	flag.IntVar(&c.ChunkSize, "chunk-size", 24, "bytes of text in a chunk")
	flag.DurationVar(&c.Delay, "delay", 0, "delay between chunks, at the mock")
	flag.DurationVar(&c.TTFT, "ttft", 0, "time to first byte, at the mock")
	flag.IntVar(&c.Reply, "reply", 600, "bytes of text in a JSON answer")
	flag.BoolVar(&c.Stamp, "stamp", false, "have chunks stamped, to measure their transit")
	flag.StringVar(&c.Fault, "fault", "", "ask the mock for 429, 500, hang or drop")
	flag.BoolVar(&c.WantUsage, "want-usage", true, "an answer without usage is wrong")
	flag.IntVar(&c.Conns, "c", 64, "connections (closed loop), or their cap (open loop)")
	flag.Float64Var(&c.Rate, "rate", 0, "requests per second; 0 = closed loop")
	flag.DurationVar(&c.Duration, "d", 5*time.Second, "duration")
	flag.DurationVar(&c.Timeout, "timeout", 30*time.Second, "per-request limit")
	flag.Var(hdr, "H", "request header, name: value; repeatable (e.g. 'Authorization: Bearer x')")
	flag.StringVar(&extra, "extra", "", "JSON object of extra body fields")
	flag.Parse()
	debug.SetGCPercent(400)
	// The pacing thread sleeps in a system call and may hold a P meanwhile.
	runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	c.Headers = hdr
	if extra != "" {
		if err := json.Unmarshal([]byte(extra), &c.Extra); err != nil {
			log.Fatal(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	r, err := loadgen.Run(ctx, c)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(r)
	if r.Failed() > 0 {
		os.Exit(1)
	}
}
