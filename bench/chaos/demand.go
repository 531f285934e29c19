package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const key = "wr-0123456789abcdef0123456789abcdef"

// demand is clients that ask and go on asking.
type demand struct {
	nodes   []string // base addresses
	clients int
	rand    *rand.Rand // of the plans
	hows    []string   // what may become of a call
	models  []string
	most    int64         // tokens of output at most
	inMost  int64         // tokens of input as the provider states them
	quiet   time.Duration // it ends when nothing but refusals came for so long
	limit   time.Duration // and at the latest then

	mu    sync.Mutex // guards rand, calls and took
	calls int
	took  []time.Duration // of answers and refusals

	answered, refused, failed atomic.Int64
	last                      atomic.Int64 // when something else than a refusal came, in nanoseconds
}

var everything = []string{"done", "done", "done", "done", "silent", "cut", "error", "fail", "whole", "leave"}

func (d *demand) plan() (plan, string, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	how := d.hows[d.rand.IntN(len(d.hows))]
	p := plan{Call: d.calls, How: how, In: 1 + d.rand.Int64N(d.inMost), Pieces: 2 + d.rand.IntN(8), Pause: d.rand.IntN(12)}
	p.Out = 1 + d.rand.Int64N(d.most)
	return p, d.nodes[d.rand.IntN(len(d.nodes))], d.models[d.rand.IntN(len(d.models))]
}

// run asks until nothing but refusals has come for d.quiet. It returns how
// long it took until the last answer.
func (d *demand) run(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	began := time.Now()
	d.last.Store(began.UnixNano())
	transport := &http.Transport{MaxIdleConnsPerHost: d.clients, MaxConnsPerHost: 0}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var wg sync.WaitGroup
	for range d.clients {
		wg.Go(func() {
			pause := pauseFirst
			for ctx.Err() == nil && time.Since(time.Unix(0, d.last.Load())) < d.quiet {
				p, node, model := d.plan()
				if d.ask(ctx, client, &p, node, model) {
					pause = pauseFirst
					continue
				}
				sleep(ctx, pause/2+rand.N(pause)) //nolint:gosec // as an SDK does
				pause = min(2*pause, pauseMost)
			}
		})
	}
	wg.Wait()
	return time.Unix(0, d.last.Load()).Sub(began)
}

// Who is refused waits so long, then longer and longer.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 1600 * time.Millisecond
)

// ask makes one call. It reports whether the next may follow at once.
func (d *demand) ask(ctx context.Context, client *http.Client, p *plan, node, model string) bool {
	said, _ := json.Marshal(p)
	text, _ := json.Marshal(string(said))
	body := fmt.Appendf(nil, `{"model":%q,"stream":%v,"max_tokens":%d,"messages":[{"role":"user","content":%s}]}`, model, p.How != "whole", d.most, text)
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(own, http.MethodPost, node+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Weir-Session", fmt.Sprintf("call-%d", p.Call))
	if p.How == "leave" {
		time.AfterFunc(time.Duration(p.Pause*2)*time.Millisecond, cancel)
	}
	began := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		d.failed.Add(1)
		return p.How == "leave" && ctx.Err() == nil
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusTooManyRequests {
		d.mu.Lock()
		d.took = append(d.took, time.Since(began))
		d.mu.Unlock()
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		d.refused.Add(1)
		return false
	case http.StatusOK:
		d.answered.Add(1)
	default:
		d.failed.Add(1)
	}
	d.last.Store(time.Now().UnixNano())
	return true
}

// percentile takes the times out and returns one of them.
func (d *demand) percentile(q float64) time.Duration {
	d.mu.Lock()
	all := d.took
	d.took = nil
	d.mu.Unlock()
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(float64(len(all))*q), len(all)-1)]
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
