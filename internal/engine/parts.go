package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/provider"
)

// A file that is uploaded in parts is nowhere here: each part goes on to the provider as it comes, and what is known of the
// upload is sealed in the address that the client was told. It opens for nothing but the parts of that one file.

// parts is an upload in parts, as the call at hand sees it.
type parts struct {
	r     dialect.Resumer
	id    string // in the gateway's address; "" = the call begins the upload
	limit int64  // bytes that the file may have
	size  int64  // that the call brings
}

const (
	uploadKind   llm.ThingKind = "upload"
	uploadPrefix               = "upload_"
	uploadTime                 = 24 * time.Hour // from its beginning to its end
	sessionBytes               = 1000           // of the provider's address of it
)

// beginParts has the provider begin an upload.
func (c *call) beginParts(r dialect.Resumer) error {
	c.body = newBuffer()
	if c.r.ContentLength != 0 {
		err := c.e.readBody(c.w, c.r, c.body, c.s.MaxBody)
		c.x.BytesIn = int64(len(c.body.b))
		if err != nil {
			return err
		}
	}
	c.in.Body = c.body.b
	size, err := r.Begin(&c.in)
	if err != nil {
		return err
	}
	if size > c.s.MaxBody {
		return fault.New(fault.TooLarge, "the file is larger than the %d bytes allowed here (limits.body)", c.s.MaxBody)
	}
	if size < 0 {
		size = c.s.MaxBody
	}
	if err := c.admitWhole(); err != nil {
		return err
	}
	name, err := c.keeper()
	if err != nil {
		return err
	}
	done, err := c.room()
	if err != nil {
		return err
	}
	done() // whether there is room when the file is whole is seen then
	c.asking.parts = &parts{r: r, limit: size}
	c.to(gateway.Target{Provider: name})
	c.run()
	return nil
}

// ServePart answers a call to the address of an upload. Google's clients show no key there: the address is as good as one,
// for that upload alone. Where a key is shown it must be the one that began it.
func (e *Engine) ServePart(w http.ResponseWriter, r *http.Request, d dialect.Dialect) {
	c := e.begin(w, r, d, llm.OpFile)
	if !e.enter() {
		c.refuse(fault.New(fault.Unavailable, "the gateway is shutting down; try again"))
		c.settle()
		return
	}
	defer e.leave()
	defer c.finish()
	if err := c.servePart(); err != nil {
		c.refuse(fault.Of(err))
	}
}

func (c *call) servePart() error {
	if c.s == nil {
		return fault.New(fault.Unavailable, "the gateway has no configuration yet")
	}
	c.x.Revision = c.s.Revision
	h, _ := c.d.(dialect.Holder)
	r, ok := c.d.(dialect.Resumer)
	if !ok || c.e.things == nil {
		return fault.New(fault.NotFound, "there is nothing at %s", bounded(c.r.URL.Path, 100))
	}
	id, _ := r.Resumed(c.r.URL.Query())
	u, known := c.openUpload(id)
	grant, err := c.uploader(u.owner, known)
	if err != nil {
		return err
	}
	c.x.Grant = grant
	if !known || grant.Key != u.owner || c.x.Start.After(u.ends) {
		f := fault.New(fault.NotFound, "no such upload here for this key; it may be over: begin it again")
		f.Code = "not_found"
		return f
	}
	from, err := r.Part(c.r.Header)
	if err != nil {
		return err
	}
	size := c.r.ContentLength
	switch {
	case c.r.Header.Get("Content-Encoding") != "":
		return fault.New(fault.MediaType, "a part of a file is sent as it is, without a Content-Encoding")
	case size < 0:
		f := fault.New(fault.Malformed, "a part of a file is sent with its Content-Length")
		f.HTTPStatus = http.StatusLengthRequired
		return f
	case from < 0 && size > 0:
		return refusal("X-Goog-Upload-Command", "it brings bytes and does not say that it uploads them")
	case from > u.limit || size > u.limit-max(from, 0):
		return fault.New(fault.TooLarge, "the file is larger than was said when the upload began, or than the %d bytes allowed here (limits.body)", u.limit)
	}
	if err := c.reaches(u.provider, "this upload"); err != nil {
		return err
	}
	c.x.BytesIn = size
	c.asking = &asking{h: h, verb: dialect.ThingCreate, done: func() {}, parts: &parts{r: r, id: id, limit: u.limit, size: size}}
	c.in = dialect.Call{Op: c.x.Op, Path: u.path, Query: u.query, Header: c.r.Header}
	c.verbatim, c.change = true, c.answerThing
	c.to(gateway.Target{Provider: u.provider})
	// A client that leaves is noticed by its bytes, which end. Where they were all sent the answer is waited for: it may tell of
	// a file that is to be noted.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.r.Context()))
	defer cancel(nil)
	defer context.AfterFunc(c.e.ending, func() { cancel(context.Cause(c.e.ending)) })()
	c.r = c.r.WithContext(ctx)
	c.run()
	return nil
}

// uploader returns the grant of who sends a part.
func (c *call) uploader(owner string, known bool) (*gateway.Grant, error) {
	shown := c.r.URL.Query().Has("key")
	for _, name := range [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		shown = shown || len(c.r.Header[name]) > 0
	}
	if shown || !known {
		return c.s.Identify(c.r)
	}
	if d, ok := c.s.Directory.(gateway.Roll); ok {
		if g, ok := d.Named(owner); ok && (g.Expires.IsZero() || c.x.Start.Before(g.Expires)) {
			return g, nil
		}
	}
	return nil, fault.New(fault.Unauthorized, "the key that began this upload is not known here any more")
}

// upload is what the id of an upload says.
type upload struct {
	provider, owner string
	ends            time.Time
	limit           int64
	path, query     string // of the provider's address
}

// sealUpload returns the id of an upload that a provider has begun.
func (c *call) sealUpload(u upload) string {
	text := strings.Join([]string{u.owner, strconv.FormatInt(u.ends.Unix(), 10), strconv.FormatInt(u.limit, 10), u.path, u.query}, "\x00")
	return c.e.things.Name("", uploadPrefix, uploadKind, u.provider, text)
}

// openUpload reads an id that sealUpload made; false for any other text.
func (c *call) openUpload(id string) (u upload, ok bool) {
	kind, name, text, ok := c.e.things.Native("", id)
	fields := strings.Split(text, "\x00")
	if !ok || kind != uploadKind || len(fields) != 5 {
		return upload{}, false
	}
	ends, err1 := strconv.ParseInt(fields[1], 10, 64)
	limit, err2 := strconv.ParseInt(fields[2], 10, 64)
	u = upload{name, fields[0], time.Unix(ends, 0), limit, fields[3], fields[4]}
	return u, err1 == nil && err2 == nil
}

// relayPart answers with what a provider says of an upload: its address becomes the gateway's, and a file that is whole now
// is noted like any other.
func (c *call) relayPart(t *try, resp *http.Response) *fault.Fault {
	p := c.asking.parts
	if p.id == "" {
		session := p.r.Session(resp.Header)
		path, query, err := p.r.Where(session)
		if err != nil || len(session) > sessionBytes {
			f := fault.New(fault.Upstream, "the provider %s began an upload and told no address for it", t.a.Target.Provider)
			f.Origin, f.Cause = fault.There, err
			return f
		}
		p.id = c.sealUpload(upload{t.a.Target.Provider, c.x.Grant.Key, c.x.Start.Add(uploadTime), p.limit, path, query})
	}
	p.r.Readdress(resp.Header, address(c.r), p.id)
	if p.r.Made(resp.Header) && resp.ContentLength != 0 {
		return c.passBody(t, resp)
	}
	return c.passOpaque(t, resp)
}

// partBody is a part on its way through.
type partBody struct {
	io.Reader
	failed atomic.Pointer[error] // of the client's side; a transport may read on while its answer is there
}

// Read implements io.Reader.
func (b *partBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.Store(&err)
	}
	return n, err
}

// Close implements io.Closer. The server closes what it reads.
func (*partBody) Close() error { return nil }

// sendPart sends a part as it comes. It is not sent twice, since it is not there any more.
func (c *call) sendPart(t *try, shot provider.Shot) (*http.Response, error) {
	p := c.asking.parts
	shot.Body = http.NoBody
	req, err := t.place.Provider.Request(t.ctx, shot)
	if err != nil {
		return nil, err
	}
	body := &partBody{Reader: io.LimitReader(c.r.Body, p.size)}
	if p.size > 0 {
		req.Body, req.ContentLength, req.GetBody = body, p.size, nil
	}
	through := t.place.Upgrade // which holds no body
	if through == nil {
		through = t.place.Client
	}
	var slow watch
	fired := false // written by the wheel, read after slow.end
	c.e.wheel.watch(&slow, c.e.bodyTime+time.Duration(p.size/bodyRate)*time.Second, func(phase) {
		fired = http.NewResponseController(c.w).SetReadDeadline(time.Now()) == nil
	})
	t.watch.wait(waitHead, t.place.FirstByte)
	resp, err := through.RoundTrip(req)
	if slow.end(); fired {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{})
	}
	switch failed := body.failed.Load(); {
	case err == nil || failed == nil:
		return resp, err
	case fired:
		return nil, bodyFault(*failed, p.limit)
	}
	return nil, fault.New(fault.ClientGone, "the client left")
}
