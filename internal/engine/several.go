package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/rawjson"
)

// Some models take one input a call, others a few, and clients ask of many at once: then the calls of one attempt are
// several. The first goes like any other; once it has an answer, the rest go side by side.

const (
	callsOfOne = 2048 // calls at most that one request for embeddings becomes
	sideBySide = 8    // of them at a time
)

// encodeEmbed makes the calls that a request for embeddings takes at a target. What some of them lose is told once.
func (c *call) encodeEmbed(t *try) (calls []dialect.Call, losses []llm.Loss, err error) {
	facts := t.place.Facts(t.a.Target.Model)
	most := len(c.embed.Inputs)
	if d, ok := t.up.(dialect.Together); ok {
		most = max(d.Together(c.embed, facts), 1)
	}
	if n := most * callsOfOne; len(c.embed.Inputs) > n {
		return nil, nil, dialect.Unsaid(c.embed.Inputs[n].Path, fmt.Sprintf("the target %s is asked for at most %d inputs at once", t.a.Target, n))
	}
	for from := 0; from == 0 || from < len(c.embed.Inputs); from += max(most, 1) {
		part := *c.embed
		part.Inputs = part.Inputs[from:min(from+most, len(part.Inputs))]
		one, lost, err := t.up.(dialect.Embedder).EncodeEmbed(&part, facts)
		if err != nil {
			return nil, nil, err
		}
		calls = append(calls, one)
		for _, l := range lost {
			if !slices.Contains(losses, l) {
				losses = append(losses, l)
			}
		}
	}
	t.each = most
	return calls, losses, nil
}

// vectors are what one call brought, or why it brought nothing.
type vectors struct {
	i     int // of the call
	a     *llm.Embeddings
	usage *llm.Usage
	err   error // of the connection
	f     *fault.Fault
}

// embedRest asks for what the first call did not bring, and adds it to that. The usage is the sum of all that were
// answered, also where one of them failed.
func (c *call) embedRest(t *try, first *llm.Embeddings, reading *dialect.Reading) *fault.Fault {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	work, results := make(chan int, len(t.more)), make(chan vectors, len(t.more))
	for i := range t.more {
		work <- i
	}
	close(work)
	for range min(sideBySide, len(t.more)) {
		go func() {
			for i := range work {
				results <- embedOne(ctx, t, i)
			}
		}()
	}
	all := make([]*llm.Embeddings, len(t.more))
	for range t.more {
		t.watch.wait(waitHead, t.place.FirstByte)
		one := <-results
		if one.err != nil {
			return c.sendFault(t, one.err)
		}
		reading.Usage = sum(reading.Usage, one.usage)
		if one.f != nil {
			return one.f
		}
		all[one.i] = one.a
	}
	for i, a := range all {
		for _, v := range a.Vectors {
			v.Index += int64((i + 1) * t.each)
			first.Vectors = append(first.Vectors, v)
		}
	}
	first.Usage = reading.Usage
	return nil
}

// embedOne makes one of the calls. Nothing of the exchange is touched: several run at a time.
func embedOne(ctx context.Context, t *try, i int) (out vectors) {
	out.i = i
	defer func() {
		if p := recover(); p != nil {
			out.f = &fault.Fault{Kind: fault.Internal, Message: "the gateway failed on this answer", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	if out.err = ctx.Err(); out.err != nil {
		return out
	}
	resp, err := sendOne(ctx, t, i)
	if err != nil {
		out.err = err
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	switch {
	case err != nil:
		out.err = err
		return out
	case resp.StatusCode != http.StatusOK:
		out.f = t.up.ReadFault(resp.StatusCode, resp.Header, body[:min(len(body), errorMost)])
		return out
	case len(body) > answerMost || rawjson.Check(body) != nil:
		out.f = garbage(t)
		return out
	}
	meter := meterFor(t, resp)
	meter.Body(body)
	if out.usage = meter.Read().Usage; meter.Read().Fault != nil {
		out.f = meter.Read().Fault
		return out
	}
	if out.a, err = t.up.(dialect.Embedder).DecodeEmbedding(body); err != nil {
		out.f = garbage(t)
		out.f.Cause = err
	}
	return out
}

// sendOne sends one of the calls, once more where the provider had closed an idle connection.
func sendOne(ctx context.Context, t *try, i int) (*http.Response, error) {
	shot := provider.Shot{Dialect: t.up.Name(), Call: t.more[i]}
	shot.Call.Header, shot.Call.Op = t.call.Header, t.call.Op
	for again := false; ; again = true {
		shot.Body = io.NopCloser(bytes.NewReader(shot.Call.Body))
		req, err := t.place.Provider.Request(ctx, shot)
		if err != nil {
			return nil, err
		}
		resp, err := t.place.Client.RoundTrip(req)
		if err != nil && !again && strings.Contains(err.Error(), "server closed idle connection") {
			continue
		}
		return resp, err
	}
}

// sum adds up two usages of embeddings, of which either may state nothing.
func sum(a, b *llm.Usage) *llm.Usage {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		return a
	}
	u := *a
	u.Said |= b.Said
	u.Input += b.Input
	u.InputImage += b.InputImage
	u.BilledInput += b.BilledInput
	u.Total += b.Total
	return &u
}
