package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/provider"
)

const (
	sessionMost = 16 << 20         // bytes of a message of a provider's
	setupTime   = 10 * time.Second // until the first message of a client's, where it names the model
	openingTime = 2 * time.Second  // a provider's first message is waited for so long: it may be a refusal
)

// ServeSession answers a request to open a session over a WebSocket. It is Serve's order: identity before anything else,
// nothing sent before the session is admitted and planned, one record in every ending. Targets are tried until one opens
// it and does not refuse it with its first message; only then is the client's side opened, unless the client's first
// message names the model.
func (e *Engine) ServeSession(w http.ResponseWriter, r *http.Request, d dialect.Live) {
	c := e.begin(w, r, d, llm.OpRealtime)
	s := &session{c: c, live: d}
	if !e.enter() {
		c.refuse(fault.New(fault.Unavailable, "the gateway is shutting down; try again"))
		c.settle()
		return
	}
	defer e.leave()
	defer c.finish()
	defer s.hangUp()
	if c.s == nil {
		c.refuse(fault.New(fault.Unavailable, "the gateway has no configuration yet"))
		return
	}
	c.x.Revision = c.s.Revision
	if err := s.admit(); err != nil {
		s.refuse(fault.Of(err))
		return
	}
	for i := range c.x.Plan.Tries {
		if s.attempt(c.x.Plan.Targets[i], i == c.x.Plan.Tries-1) {
			return
		}
	}
	s.missed(c.last, true)
}

// admit identifies the caller, reads what the session is to be of, and lets the policies decide.
func (s *session) admit() error {
	c := s.c
	grant, err := c.s.Identify(identified(c.r, s.live))
	if err != nil {
		return err
	}
	c.x.Grant = grant
	if err := upgradable(c.w.Header(), c.r); err != nil {
		return err
	}
	c.in = dialect.Call{Op: c.x.Op, Path: c.r.URL.EscapedPath(), Query: withoutKey(c.r.URL.RawQuery), Header: sentUp(c.r.Header)}
	if s.live.First() {
		if err := s.setup(); err != nil {
			return err
		}
	}
	if c.x.Head, err = c.d.Peek(&c.in); err != nil {
		return err
	}
	return c.decide(grant)
}

// The words of OpenAI's subprotocols, by which a browser says what it cannot say in headers.
const (
	spokenHere     = "realtime"
	keyProtocol    = "openai-insecure-api-key."
	betaProtocol   = "openai-beta."
	orgProtocol    = "openai-organization."
	projectProtcol = "openai-project."
)

// protocols yields the subprotocols that a client offers.
func protocols(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range h["Sec-Websocket-Protocol"] {
			for word := range strings.SplitSeq(line, ",") {
				if !yield(strings.TrimSpace(word)) {
					return
				}
			}
		}
	}
}

// identified returns the request as one whose credential stands in headers alone: what a browser put into a subprotocol
// is one too, and a key in the query is none except where the dialect's own clients put it there.
func identified(r *http.Request, d dialect.Dialect) *http.Request {
	own := *r
	own.Header = r.Header.Clone()
	for word := range protocols(r.Header) {
		if key, ok := strings.CutPrefix(word, keyProtocol); ok {
			own.Header["Api-Key"] = append(own.Header["Api-Key"], key)
		}
	}
	if d.Name() != llm.GeminiLive {
		u := *r.URL
		u.RawQuery = withoutKey(u.RawQuery)
		own.URL = &u
	}
	return &own
}

// sentUp returns the headers that may go up: those of the client's own connection never do, and what a subprotocol says
// of the session goes as the header it stands for.
func sentUp(h http.Header) http.Header {
	out := h.Clone()
	for word := range protocols(h) {
		for _, of := range [...]struct{ prefix, header string }{
			{betaProtocol, "Openai-Beta"}, {orgProtocol, "Openai-Organization"}, {projectProtcol, "Openai-Project"},
		} {
			if v, ok := strings.CutPrefix(word, of.prefix); ok && out[of.header] == nil {
				if of.prefix == betaProtocol {
					v = strings.Replace(v, "-", "=", 1) // realtime-v1
				}
				out[of.header] = []string{v}
			}
		}
	}
	for name := range out {
		if strings.HasPrefix(name, "Sec-Websocket-") || name == "Connection" || name == "Upgrade" {
			delete(out, name)
		}
	}
	return out
}

// upgradable refuses requests that are no handshake of a WebSocket.
func upgradable(answer http.Header, r *http.Request) error {
	token := func(name, want string) bool {
		for _, line := range r.Header[name] {
			for word := range strings.SplitSeq(line, ",") {
				if strings.EqualFold(strings.TrimSpace(word), want) {
					return true
				}
			}
		}
		return false
	}
	if r.Method != http.MethodGet || r.ProtoMajor != 1 || !token("Connection", "upgrade") || !token("Upgrade", "websocket") {
		answer["Upgrade"], answer["Connection"] = []string{"websocket"}, []string{"Upgrade"}
		f := fault.New(fault.Malformed, "this path speaks WebSocket only: open it with a client that does, over HTTP/1.1")
		f.HTTPStatus, f.Code = http.StatusUpgradeRequired, "upgrade_required"
		return f
	}
	if r.Header.Get("Sec-Websocket-Version") != "13" {
		answer["Sec-Websocket-Version"] = []string{"13"}
		return fault.New(fault.Malformed, "the WebSocket's version must be 13")
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return fault.New(fault.Malformed, "a WebSocket's handshake has one Sec-WebSocket-Key")
	}
	if nonce, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(nonce) != 16 {
		return fault.New(fault.Malformed, "the Sec-WebSocket-Key must be 16 bytes in base64")
	}
	return nil
}

// accept opens the client's side. The key that a subprotocol may hold is never among what is agreed on.
func (s *session) accept() error {
	c := s.c
	delete(c.w.Header(), "Upgrade")
	c.stamp(c.w.Header())
	conn, err := websocket.Accept(c.w, c.r, &websocket.AcceptOptions{
		Subprotocols:       []string{spokenHere},
		InsecureSkipVerify: true, // origins are for cookies; here every caller shows a key
	})
	c.wrote = true
	c.x.FirstByte = time.Since(c.x.Start)
	if err != nil {
		c.x.Status = http.StatusInternalServerError
		return &fault.Fault{Kind: fault.ClientGone, Message: "the client left", Cause: err}
	}
	c.x.Status = http.StatusSwitchingProtocols
	if conn.SetReadLimit(sessionMost); c.s.MaxBody > 0 {
		conn.SetReadLimit(c.s.MaxBody)
	}
	s.client = conn
	return nil
}

// setup opens the client's side and reads its first message, which is the body of the call.
func (s *session) setup() error {
	if err := s.accept(); err != nil {
		return err
	}
	late := fault.New(fault.SlowBody, "no message came that sets the session up")
	timer := time.AfterFunc(min(setupTime, s.c.e.bodyTime), func() { _ = s.client.Close(websocket.StatusPolicyViolation, late.Message) })
	defer timer.Stop()
	defer context.AfterFunc(s.c.e.ending, func() { _ = s.client.CloseNow() })()
	typ, buf, err := take(s.client)
	if err != nil {
		if !timer.Stop() {
			return late
		}
		e := s.clientEnd(err)
		if e.fault == nil {
			e.fault = fault.New(fault.ClientGone, "the client left before it set the session up")
		}
		return e.fault
	}
	s.c.body, s.firstType, s.c.in.Body = buf, typ, buf.b
	s.in.Add(int64(len(buf.b)))
	return nil
}

// attempt tries to open the session at one target and, where it opens, serves it to its end. over means that the
// exchange is.
func (s *session) attempt(target gateway.Target, final bool) (over bool) {
	c := s.c
	x := c.x
	c.next()
	x.Attempts = append(x.Attempts, gateway.Attempt{Target: target, Dialect: c.d.Name(), Mode: gateway.Passed, Start: time.Since(x.Start)})
	t := &try{a: &x.Attempts[len(x.Attempts)-1], place: c.s.Places[target.Provider], up: c.d, start: time.Now(), final: final}
	s.t, s.words = t, s.live.Session()
	defer func() { t.a.Took = time.Since(t.start) }()

	call, err := c.d.Edit(nil, c.in, dialect.Edit{Model: target.Model})
	if err != nil {
		return s.missed(fault.Of(err), final)
	}
	if len(c.refs) > 0 {
		call.Body = referred(nil, call.Body, c.refs)
	}
	t.call = call
	c.weigh(t)
	if f := s.hold(); f != nil {
		return s.missed(f, final)
	}
	ctx, cancel := context.WithCancelCause(c.r.Context())
	defer cancel(nil)
	t.ctx = ctx
	c.e.wheel.watch(&t.watch, t.place.Total, func(p phase) { cancel(expiry(p, target.Provider)) })
	t.watch.wait(waitHead, t.place.FirstByte)
	refused, err := s.dial(t)
	t.watch.end()
	if refused != nil {
		defer func() { _ = refused.Body.Close() }()
	}
	if refused != nil && s.client == nil {
		return c.refusedUp(t, refused)
	}
	if err != nil {
		f := c.sendFault(t, err)
		if refused != nil {
			raw, _ := io.ReadAll(refused.Body) // it is in memory
			f = c.d.ReadFault(refused.StatusCode, refused.Header, raw)
		}
		return s.missed(f, final)
	}
	return s.open(ctx, final)
}

// dial opens the provider's side. refused is what the provider answered instead of a session.
func (s *session) dial(t *try) (refused *http.Response, err error) {
	call := t.call
	call.Header, call.Body = nil, nil
	shot := provider.Shot{Dialect: t.up.Name(), Call: call, Client: s.c.in.Header, Method: http.MethodGet, Body: http.NoBody}
	shot.Call.Model = t.a.Target.Model
	req, err := t.place.Provider.Request(t.ctx, shot)
	if err != nil {
		return nil, err
	}
	req.Header.Del("Content-Type")
	up := &upgrade{through: t.place.Upgrade}
	if up.through == nil {
		up.through = t.place.Client
	}
	conn, resp, err := websocket.Dial(t.ctx, req.URL.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: up, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader: req.Header, Host: req.Host,
	})
	if err != nil {
		if up.refused != nil {
			t.a.Head, t.a.Status, t.a.UpstreamID = time.Since(t.start), up.refused.StatusCode, requestID(up.refused.Header)
		}
		return up.refused, err
	}
	t.a.Head, t.a.Status, t.a.UpstreamID = time.Since(t.start), resp.StatusCode, requestID(resp.Header)
	conn.SetReadLimit(sessionMost)
	s.up = conn
	return nil, nil
}

// upgrade is a transport that keeps what a provider answers instead of a session, which the WebSocket's library would
// cut short.
type upgrade struct {
	through http.RoundTripper
	refused *http.Response
}

// RoundTrip implements http.RoundTripper.
func (u *upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := u.through.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, errorMost))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	kept := *resp
	kept.Body = io.NopCloser(bytes.NewReader(raw))
	u.refused = &kept
	resp.Body = http.NoBody
	return resp, nil
}

// missed notes an attempt that opened no session, and ends the exchange where no other target may do better.
func (s *session) missed(f *fault.Fault, final bool) (over bool) {
	c := s.c
	if s.client == nil {
		if s.t == nil {
			c.fail(f)
			return true
		}
		return c.missed(s.t, f)
	}
	if s.t != nil {
		s.t.a.Fault, c.last = f, f
	}
	if !final && worthNext(f) {
		return false
	}
	s.conclude(end{ending: gateway.Failed, fault: f, code: codeOf(f)})
	return true
}

// refuse tells the client that the session may not be, in whichever way it can still be told.
func (s *session) refuse(f *fault.Fault) {
	switch {
	case s.client != nil:
		e := end{ending: gateway.Refused, fault: f, code: codeOf(f)}
		if f.Kind == fault.ClientGone {
			e.ending, e.gone = gateway.ClientGone, true
		}
		s.conclude(e)
	case s.c.wrote:
		s.c.left()
	default:
		s.c.refuse(f)
	}
}

// watchers are the policies that want to know what the session comes to while it lasts.
func (s *session) watchers() []gateway.Watcher {
	var out []gateway.Watcher
	for _, a := range s.c.admits {
		if w, ok := a.(gateway.Watcher); ok {
			out = append(out, w)
		}
	}
	return out
}
