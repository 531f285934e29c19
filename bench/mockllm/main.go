// Mockllm is a fast mock of an LLM provider: the upstream that everything in
// this module is measured against. It is an HTTP/1.1 server written by hand
// over net.Conn, so that its own cost stays far below that of a gateway, and
// it answers in the grammar of five client APIs with a text that proves which
// prompt arrived (see internal/wire). Its flags are in ../README.md.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

var (
	addr    = flag.String("addr", "127.0.0.1:9100", "listen address (loopback)")
	ttft    = flag.Duration("ttft", 0, "time to first byte")
	delay   = flag.Duration("delay", 0, "delay between streamed chunks")
	chunks  = flag.Int("chunks", 20, "streamed content chunks")
	size    = flag.Int("size", 24, "text bytes per streamed chunk")
	reply   = flag.Int("reply", 600, "text bytes of a JSON reply")
	dims    = flag.Int("dims", 256, "embedding dimensions")
	r429    = flag.Float64("rate429", 0, "fraction of requests answered 429")
	r500    = flag.Float64("rate500", 0, "fraction of requests answered 500")
	rhang   = flag.Float64("ratehang", 0, "fraction of requests never answered")
	rdrop   = flag.Float64("ratedrop", 0, "fraction of replies cut in the middle")
	noMark  = flag.Bool("ignore-marker", false, "use the flags even when a request carries a bench marker")
	gcp     = flag.Int("gc", 400, "GOGC")
	verbose = flag.Bool("v", false, "log request lines")
)

func main() {
	flag.Parse()
	debug.SetGCPercent(*gcp)
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				log.Fatal(err)
			}
			stat.conns.Add(1)
			go serve(c)
		}
	}()
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	<-ch
}
