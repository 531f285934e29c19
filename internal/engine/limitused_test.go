package engine_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/pot"
)

// TestLimitUsed ends many calls side by side in every way and wants what is left of a limit of tokens to be what they did
// not use.
func TestLimitUsed(t *testing.T) {
	const amount = 1_000_000
	ledger, pots := &book{}, pot.New(pot.Options{})
	up := hosts{
		"one.test": func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
			time.Sleep(5 * time.Millisecond)
			switch {
			case strings.Contains(string(body), "fail"):
				return gives(500, `{"error":{"message":"no"}}`)(r)
			case strings.Contains(string(body), "cut"):
				return streams(words(20), true)(r)
			}
			return streams(words(20)+stopped+usageFrame+ended, false)(r)
		},
		"two.test": streams(opening+said(5)+messagesEnd, false),
	}
	g := (&gatewaytest.Gateway{Upstream: up, Document: holdDocument + "limits: { tokens: 1M/day }\n", Ledger: ledger, Pots: pots}).Start(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for i := range 12 {
				how := []string{"done", "cut", "fail", "leave"}[i%4]
				ctx, cancel := context.WithCancel(t.Context())
				r, _ := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+"/v1/chat/completions", strings.NewReader(`{"model":"both","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"`+how+`"}]}`))
				r.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
				if how == "leave" {
					time.AfterFunc(2*time.Millisecond, cancel)
				}
				if resp, err := http.DefaultClient.Do(r); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	g.Wait(t, 220) // who left before its request was there leaves no record
	time.Sleep(100 * time.Millisecond)
	var used int64
	for _, e := range ledger.entries(t) {
		in, out := e.Tokens()
		used += in + out
	}
	p := &gateway.Pot{Name: "limit/whole/tokens/24h", Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: amount, Per: 24 * time.Hour}
	for _, s := range g.Records()[0].Standings {
		if s.Pot.Unit == gateway.Tokens {
			p = s.Pot
		}
	}
	left := pots.Standing(p, time.Now()).Left
	if gone := amount - left; gone > used+100 || gone < used-200 { // some flows back, 12 a second; at first less comes back than might
		t.Errorf("%d tokens are gone from the limit, and %d were used", gone, used)
	}
}
