package engine

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/provider"
)

// errorMost bounds a provider's error answer that is passed on or read.
const errorMost = 1 << 20

// writeTime is how long a client may take nothing of its answer before it counts as gone.
const writeTime = 60 * time.Second

// try is one attempt under way.
type try struct {
	a     *gateway.Attempt
	place *Place
	up    dialect.Dialect // spoken with the provider
	call  dialect.Call    // what is sent
	buf   *buffer         // of call.Body where it is pooled
	start time.Time
	final bool // no further target may be tried
	watch watch
	ctx   context.Context

	framing llm.Framing // of the provider's answer, if it is a stream

	more []dialect.Call // of a request that takes several, those after the first
}

// attempt tries one target and reports whether the exchange is over: the client was answered, or is gone, or the fault
// is none another target could mend.
func (c *call) attempt(target gateway.Target, final bool) (over bool) {
	x := c.x
	c.next()
	x.Attempts = append(x.Attempts, gateway.Attempt{Target: target, Start: time.Since(x.Start)})
	t := &try{a: &x.Attempts[len(x.Attempts)-1], place: c.s.Places[target.Provider], start: time.Now(), final: final}
	defer func() { t.a.Took = time.Since(t.start) }()

	if c.noCounter(t) {
		return c.countHere(t)
	}
	if err := c.prepare(t); err != nil {
		return c.missed(t, fault.Of(err))
	}
	defer func() { t.buf.release() }()
	if f := c.wrongTo(t); f != nil {
		t.a.Fault, c.last = f, f
		if final {
			c.refuse(f)
		}
		return final
	}
	c.referTo(t)
	c.weigh(t)
	if err := c.setAside(t); err != nil {
		if c.instead(err) {
			c.last = fault.New(fault.Quota, "%s", err.Error())
			t.a.Fault = c.last
			return false
		}
		if c.bill.refused {
			t.final = true
		}
		return c.missed(t, fault.Of(err))
	}
	if c.capTo() {
		t.buf.release()
		t.buf = nil
		if err := c.prepare(t); err != nil {
			return c.missed(t, fault.Of(err))
		}
		c.referTo(t)
	}

	parent := c.r.Context()
	if t.place.Drain {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if t.place.Drain {
		defer context.AfterFunc(c.e.ending, func() { cancel(context.Cause(c.e.ending)) })()
	}
	t.ctx = ctx
	c.e.wheel.watch(&t.watch, t.place.Total, func(p phase) {
		cancel(expiry(p, target.Provider))
		if p == waitWrite {
			_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now())
		}
	})
	c.watch = &t.watch
	defer t.watch.end()

	resp, err := c.send(t)
	if err != nil {
		return c.missed(t, c.sendFault(t, err))
	}
	defer func() { _ = resp.Body.Close() }()
	t.a.Head, t.a.Status, t.a.UpstreamID = time.Since(t.start), resp.StatusCode, requestID(resp.Header)
	resp.Body = watched{resp.Body, t}
	if resp.StatusCode >= 300 {
		return c.refusedUp(t, resp)
	}
	if f := c.relay(t, resp); f != nil {
		return c.missed(t, f)
	}
	return true
}

// missed notes an attempt that gave the client nothing, and ends the exchange where no other target may do better.
func (c *call) missed(t *try, f *fault.Fault) (over bool) {
	t.a.Fault, c.last = f, f
	if f.Kind == fault.ClientGone || c.gone {
		c.left()
		return true
	}
	if !t.final && worthNext(f) {
		return false
	}
	c.fail(f)
	return true
}

// worthNext reports whether another target may do better: connection failures, time-outs, 401, 403, 408, 424 (the model failed), 429, 5xx,
// streams that failed before their first event, and requests this target cannot carry.
func worthNext(f *fault.Fault) bool {
	if s := f.HTTPStatus; s != 0 {
		return s == 401 || s == 403 || s == 408 || s == 424 || s == 429 || s >= 500 || s < 400
	}
	return f.Retry() || f.Kind == fault.Unsupported
}

// prepare makes the body for the target. This is the decision: its own dialect, then bytes with a splice; else encode.
func (c *call) prepare(t *try) error {
	if c.asking != nil {
		return c.prepareThing(t)
	}
	speaks := t.place.Provider.Speaks(c.x.Op)
	if c.verbatim {
		t.up, t.a.Dialect, t.a.Mode, t.call = c.d, c.d.Name(), gateway.Passed, c.in
		if c.body != nil {
			t.buf = c.body
			t.buf.hold()
		}
		return nil
	}
	if slices.Contains(speaks, c.d.Name()) && !(c.x.Op == llm.OpCount && slices.Contains(speaks, llm.VLLMTokenize)) {
		return c.preparePassed(t)
	}
	for _, name := range speaks {
		if c.x.Op == llm.OpCount {
			return c.prepareCount(t, counts(speaks, name))
		}
		if up := c.s.Dialect(name); dialect.Carries(c.x.Op, c.d, up) {
			if c.th != nil && c.th.said.Elsewhere != "" {
				f := fault.New(fault.Unsupported, "%s names what only its own provider keeps, and the target %s is another; send the conversation itself", c.th.said.Elsewhere, t.a.Target)
				f.Param = c.th.said.Elsewhere
				return f
			}
			t.up = up
			if c.besides() {
				return c.side.prepare(c, t)
			}
			return c.prepareTranslated(t)
		}
	}
	return fault.New(fault.Unsupported, "the target %s does not speak %s and cannot be translated to", t.a.Target, c.d.Name())
}

func (c *call) preparePassed(t *try) error {
	t.up, t.a.Dialect, t.a.Mode = c.d, c.d.Name(), gateway.Passed
	if d, ok := c.d.(dialect.Fitter); ok && !d.Fits(&c.in, t.place.Facts(t.a.Target.Model)) && c.besides() {
		return c.side.prepare(c, t)
	}
	if c.anew || c.d.Codec() != nil && holdsSeal(c.in.Body) {
		return c.prepareRewritten(t)
	}
	if c.concerned() {
		switch unfit, err := c.unfit(t); {
		case err != nil:
			return err
		case unfit:
			return c.prepareRewritten(t)
		}
	}
	edit := dialect.Edit{WantUsage: c.asksUsage(t)}
	if t.a.Target.Model != c.x.Head.Model {
		edit.Model = t.a.Target.Model
	}
	if most := c.x.Plan.MaxOutput; most > 0 && (c.x.Head.MaxOutput == 0 || c.x.Head.MaxOutput > most) {
		edit.MaxOutput, edit.MaxName = most, t.place.Facts(t.a.Target.Model).Quirks.MaxName()
	}
	t.call = c.in
	t.call.Model = t.a.Target.Model
	if edit == (dialect.Edit{}) {
		t.buf = c.body
		t.buf.hold()
		return nil
	}
	buf := newBuffer()
	call, err := c.d.Edit(buf.b, t.call, edit)
	if err != nil {
		buf.release()
		return err
	}
	buf.b, t.call, t.buf = call.Body, call, buf
	return nil
}

// holdsSeal reports whether a body holds another maker's seal in a place of its dialect: as it is, or, where the place
// is for bytes, as base64.
func holdsSeal(body []byte) bool {
	return bytes.Contains(body, []byte(`"`+llm.SealTag)) || bytes.Contains(body, []byte(`"d3IxL`))
}

// prepareRewritten makes the body for a target of the client's own dialect whose provider would refuse the bytes as they
// are: a target of another maker answered earlier, and its seals stand in the history, or it holds what the provider does
// not take and a transform of the model changes. The answer passes as ever.
func (c *call) prepareRewritten(t *try) error {
	if err := c.prepareTranslated(t); err != nil {
		return err
	}
	t.a.Mode, t.call.Query = gateway.Passed, c.in.Query
	return nil
}

func (c *call) prepareTranslated(t *try) error {
	t.a.Dialect, t.a.Mode = t.up.Name(), gateway.Translated
	if c.request == nil {
		req, err := c.d.Codec().DecodeRequest(c.in)
		if err != nil {
			return err
		}
		c.request = c.threaded(req)
	}
	req := c.forTarget(t)
	if most := c.x.Plan.MaxOutput; most > 0 && (req.MaxOutput == 0 || req.MaxOutput > most) {
		lower := *req
		lower.MaxOutput = most
		req = &lower
	}
	if t.up.Name() != c.d.Name() {
		req = unvouched(req)
	}
	if req = c.unseal(req, t); c.anew && t.up.Name() == c.d.Name() {
		req = unthought(t.up.Name(), req)
	}
	req, before, err := c.prepared(t, req)
	if err != nil {
		return err
	}
	call, losses, err := t.up.Codec().EncodeRequest(req, t.place.Facts(t.a.Target.Model))
	if err != nil {
		return err
	}
	losses = append(before, losses...)
	accept := "application/json"
	if req.Stream {
		accept, _, _ = strings.Cut(frame.ContentType(t.up.Name().Framing()), ";")
	}
	return c.encoded(t, call, losses, accept)
}

// encoded takes a call that was encoded for the target, unless a strict request would lose something.
func (c *call) encoded(t *try, call dialect.Call, losses []llm.Loss, accept string) error {
	t.a.Losses = losses
	if c.x.Strict {
		if err := strictFault(t.a.Target, losses); err != nil {
			return err
		}
	}
	h := http.Header{"Accept": {accept}}
	if agent := c.r.Header["User-Agent"]; agent != nil {
		h["User-Agent"] = agent
	}
	maps.Copy(h, call.Header)
	call.Header, call.Op = h, c.x.Op
	t.call = call
	return nil
}

// strictFault refuses what a strict request would lose.
func strictFault(t gateway.Target, losses []llm.Loss) error {
	var paths []string
	for i := range losses {
		if losses[i].Grade >= llm.Changed && !slices.Contains(paths, losses[i].Path) {
			paths = append(paths, losses[i].Path)
		}
	}
	if paths == nil {
		return nil
	}
	slices.Sort(paths)
	f := fault.New(fault.Unsupported, "strict: the target %s cannot carry %s; leave it out, or send without strict", t, bounded(strings.Join(paths, ", "), 1000))
	f.Param, f.Code = paths[0], "strict_loss"
	return f
}

// send writes the request and waits for the head of the answer. A connection that the provider had closed while it lay
// idle has carried nothing: the same attempt takes another one.
func (c *call) send(t *try) (*http.Response, error) {
	shot := provider.Shot{Dialect: t.up.Name(), Call: t.call}
	if t.a.Mode == gateway.Passed {
		shot.Client, shot.Method = c.in.Header, c.r.Method
		shot.Call.Header = nil
	}
	if c.asking != nil && c.asking.parts != nil && c.asking.parts.id != "" {
		return c.sendPart(t, shot)
	}
	for again := false; ; again = true {
		shot.Body = send(t.call.Body, t.buf)
		req, err := t.place.Provider.Request(t.ctx, shot)
		if err != nil {
			_ = shot.Body.Close()
			return nil, err
		}
		if req.GetBody == nil {
			req.GetBody = func() (io.ReadCloser, error) { return send(t.call.Body, t.buf), nil }
		}
		t.watch.wait(waitHead, t.place.FirstByte)
		c.bill.sent, c.reached = true, true
		resp, err := t.place.Client.RoundTrip(req)
		if err != nil && !again && strings.Contains(err.Error(), "server closed idle connection") {
			continue
		}
		return resp, err
	}
}

// refusedUp handles an answer that is none: an error status, or a redirect, which is not followed.
func (c *call) refusedUp(t *try, resp *http.Response) (over bool) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, errorMost))
	if err != nil {
		return c.missed(t, c.sendFault(t, err))
	}
	var f *fault.Fault
	if resp.StatusCode < 400 {
		f = fault.New(fault.Upstream, "the provider %s answered with a redirect (%d), which is not followed; check its base_url", t.a.Target.Provider, resp.StatusCode)
		f.Origin = fault.There
	} else {
		f = t.up.ReadFault(resp.StatusCode, resp.Header, raw)
		if v := resp.Header.Get("X-Should-Retry"); v == "true" || v == "false" {
			f.ShouldRetry = v
		}
	}
	if c.wantsSeals(t, f) {
		t.a.Fault, c.last, c.anew = f, f, true
		return false
	}
	if resp.StatusCode < 400 || t.a.Mode == gateway.Translated || !t.final && worthNext(f) {
		return c.missed(t, f)
	}
	// The client's own dialect: the provider's words and status, as they are.
	own := *f
	own.Message = fault.Blot(own.Message)
	t.a.Fault, c.last, c.x.Fault, c.x.Ending = f, f, &own, gateway.Failed
	c.w.Header()["X-Weir-Fault"] = []string{f.Kind.String()}
	raw = c.asking.hide(raw)
	c.passHead(resp, int64(len(raw)), "")
	c.write(raw)
	return true
}

// expiry is the fault of a time-out.
func expiry(p phase, name string) *fault.Fault {
	var f *fault.Fault
	switch p {
	case waitHead:
		f = fault.New(fault.Timeout, "the provider %s did not begin to answer in time (timeouts.first_byte)", name)
	case waitData:
		f = fault.New(fault.Timeout, "the provider %s fell silent in the middle of its answer (timeouts.idle)", name)
	case waitWrite:
		return fault.New(fault.ClientGone, "the client took nothing of its answer for too long")
	default:
		f = fault.New(fault.Timeout, "the provider %s did not finish in time (timeouts.total)", name)
	}
	f.Origin = fault.There
	return f
}

// sendFault says why nothing, or nothing more, came from the provider.
func (c *call) sendFault(t *try, err error) *fault.Fault {
	var f *fault.Fault
	if cause := context.Cause(t.ctx); cause != nil && errors.As(cause, &f) {
		return f
	}
	if c.r.Context().Err() != nil && !t.place.Drain {
		return fault.New(fault.ClientGone, "the client left")
	}
	if errors.As(err, &f) {
		return f
	}
	f = &fault.Fault{Kind: fault.Unavailable, Origin: fault.There, Cause: errors.New(fault.Blot(err.Error()))}
	name := t.a.Target.Provider
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		verify  *tls.CertificateVerificationError
		timeout net.Error
	)
	switch {
	case errors.As(err, &dns):
		c.bill.sent = false
		f.Message = fmt.Sprintf("the provider %s cannot be reached: its host name does not resolve", name)
	case errors.Is(err, syscall.ECONNREFUSED):
		c.bill.sent = false
		f.Message = fmt.Sprintf("the provider %s cannot be reached: the connection was refused", name)
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &record), strings.Contains(err.Error(), "tls: "):
		c.bill.sent = c.bill.sent && t.a.Status != 0
		f.Message = fmt.Sprintf("the provider %s cannot be reached: TLS failed", name)
	case errors.As(err, &timeout) && timeout.Timeout():
		c.bill.sent = c.bill.sent && t.a.Status != 0
		f.Kind, f.Message = fault.Timeout, fmt.Sprintf("the provider %s did not take a connection in time (timeouts.connect)", name)
	case t.a.Status != 0:
		f.Kind, f.Message = fault.Cut, fmt.Sprintf("the provider %s broke off in the middle of its answer", name)
	case strings.Contains(err.Error(), "malformed HTTP"):
		f.Kind, f.Message = fault.Upstream, fmt.Sprintf("the provider %s answered something that is not HTTP", name)
	default:
		f.Message = fmt.Sprintf("the provider %s closed the connection before it answered", name)
	}
	return f
}

// watched is an answer's body whose silence is timed.
type watched struct {
	io.ReadCloser
	t *try
}

// Read implements io.Reader.
func (w watched) Read(p []byte) (int, error) {
	w.t.watch.wait(waitData, w.t.place.Idle)
	return w.ReadCloser.Read(p)
}
