package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/rawjson"
)

// Some models take one input a call, others a few, and make one image at a time, and clients ask for many at once: then
// the calls of one attempt are several. The first goes like any other; once it has an answer, the rest go side by side.

// sideBySide is how many calls of one attempt go at a time.
const sideBySide = 8

// brought is what one call brought, or why it brought nothing.
type brought[A any] struct {
	i     int // of the call
	a     *A
	usage *llm.Usage
	made  dialect.Made
	err   error // of the connection
	f     *fault.Fault
}

// rest asks for what the first call did not bring, and adds it to that. The usage is the sum of all that were answered,
// also where one of them failed.
func (b *between[D, Q, A]) rest(c *call, t *try, first *A, reading *dialect.Reading) *fault.Fault {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	work, results := make(chan int, len(t.more)), make(chan brought[A], len(t.more))
	for i := range t.more {
		work <- i
	}
	close(work)
	for range min(sideBySide, len(t.more)) {
		go func() {
			for i := range work {
				results <- b.one(ctx, t, i)
			}
		}()
	}
	all, failed := make([]*A, len(t.more)), 0
	var last *fault.Fault
	for range t.more {
		t.watch.wait(waitHead, t.place.FirstByte)
		one := <-results
		reading.Usage = sum(reading.Usage, one.usage)
		reading.Made.Images += one.made.Images
		if one.err != nil {
			one.f = c.sendFault(t, one.err)
		}
		if one.f != nil {
			if b.lacks == nil || t.ctx.Err() != nil {
				return one.f
			}
			failed, last = failed+1, one.f
		}
		all[one.i] = one.a
	}
	for i, a := range all {
		if a != nil {
			b.join(first, b.parts, i+1, a)
		}
	}
	if failed > 0 {
		b.lacks(first, failed, last)
	}
	*b.usage(first) = reading.Usage
	return nil
}

// one makes one of the calls. Nothing of the exchange is touched: several run at a time.
func (b *between[D, Q, A]) one(ctx context.Context, t *try, i int) (out brought[A]) {
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
	r := meter.Read()
	if out.usage, out.made, out.f = r.Usage, r.Made, r.Fault; out.f == nil {
		out.a, out.f = b.readAnswer(t, body)
	}
	return out
}

// sendOne sends one of the calls, once more where the provider had closed an idle connection.
func sendOne(ctx context.Context, t *try, i int) (*http.Response, error) {
	shot := provider.Shot{Dialect: t.up.Name(), Call: t.more[i]}
	shot.Call.Header, shot.Call.Op = t.call.Header, t.call.Op
	if own := t.more[i].Header; own != nil { // each form has a boundary of its own
		shot.Call.Header = maps.Clone(t.call.Header)
		maps.Copy(shot.Call.Header, own)
	}
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

// sum adds up the usages of two calls, of which either may state nothing.
func sum(a, b *llm.Usage) *llm.Usage {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		return a
	}
	u := *a
	u.Add(b)
	return &u
}
