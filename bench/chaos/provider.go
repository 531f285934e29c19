package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// plan is what shall become of a call. The client writes it into its message,
// so that both ends know it.
type plan struct {
	Call   int    `json:"call"`
	How    string `json:"how"` // done, silent, cut, error, fail, hang, whole, leave
	In     int64  `json:"in"`
	Out    int64  `json:"out"`
	Pieces int    `json:"pieces"`
	Pause  int    `json:"pause"` // milliseconds between them
}

// served is what the provider knows of one request.
type served struct {
	call  int
	place string // first or second
	how   string
	in    int64
	out   int64
	whole bool // everything was written
}

// provider is a place that serves models, and remembers what it served.
type provider struct {
	addr string
	l    net.Listener
	s    *http.Server

	mu  sync.Mutex // guards all
	all []served
}

func newProvider() (*provider, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{addr: l.Addr().String(), l: l}
	p.s = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.s.Serve(l) }()
	return p, nil
}

func (p *provider) close() { _ = p.s.Close() }

// take returns what was served so far and forgets it.
func (p *provider) take() []served {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

// ServeHTTP implements http.Handler. The first element of the path is the
// place: /first/v1/chat/completions.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Stream   bool `json:"stream"`
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil || len(body.Messages) == 0 {
		http.Error(w, "what is that?", http.StatusBadRequest)
		return
	}
	var do plan
	if json.Unmarshal([]byte(body.Messages[0].Content), &do) != nil {
		http.Error(w, "no plan", http.StatusBadRequest)
		return
	}
	place, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if place == "second" && (do.How == "fail" || do.How == "hang") {
		do.How = "done"
	}
	s := served{call: do.Call, place: place, how: do.How, in: do.In, out: do.Out}
	defer func() {
		p.mu.Lock()
		p.all = append(p.all, s)
		p.mu.Unlock()
	}()
	w.Header().Set("X-Request-Id", fmt.Sprintf("up-%d-%s", do.Call, place))
	switch do.How {
	case "fail":
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":{"message":"no","type":"server_error"}}`)
		return
	case "hang":
		<-r.Context().Done()
		return
	case "whole":
		w.Header().Set("Content-Type", "application/json")
		_, err := fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"word"},"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`, do.In, do.Out, do.In+do.Out)
		s.whole = err == nil
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for i := range do.Pieces {
		if i == do.Pieces/2 {
			switch do.How {
			case "cut":
				panic(http.ErrAbortHandler)
			case "error":
				_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\"broken\",\"type\":\"server_error\"}}\n\n")
				return
			}
		}
		if _, err := io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`+"\n\n"); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-time.After(time.Duration(do.Pause) * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	end := `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	if do.How != "silent" {
		end += fmt.Sprintf(`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`+"\n\n", do.In, do.Out, do.In+do.Out)
	}
	_, err = io.WriteString(w, end+"data: [DONE]\n\n")
	s.whole = err == nil && out.Flush() == nil
}
