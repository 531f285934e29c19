package engine

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// What a batch comes to is metered when it is over: its results are read line by line, and each line becomes an exchange of
// its own in the records, with the model its client asked for, the usage its provider states and the cost at the price of
// batches that was in force when the batch was made. Then the batch is settled and never metered again.
//
// Results that break off are read again, and what was recorded of them already is passed over. A process that dies in the
// middle meters the batch again. The id of a line's exchange is made from the batch's id and the line's, so that what was
// recorded twice can be told.

const (
	resultMost = 64 << 20 // bytes of one line of results
	breather   = 512      // lines that are recorded in one go; the queue of the records holds many times that
	breathTime = 25 * time.Millisecond
)

// settle records what each request of a batch came to. An error means that it must be done again.
func (m *lineMeter) settle(ctx context.Context, said *dialect.Batch) error {
	thing := m.thing
	if err := m.askedFor(ctx, said.Input); err != nil {
		return err
	}
	for _, from := range m.b.Results(said) {
		err := m.results(ctx, from)
		if errors.Is(err, errGone) {
			m.e.lostBatch(m.s, thing)
			return nil
		}
		if err != nil {
			return err
		}
	}
	m.lacking(said)
	m.describe(ctx, said.Output, said.Error)
	thing.Settled = true
	return m.e.replace(thing)
}

// fileID is where a file's object has its id.
var fileID = splice.NewSpec("id")

// describe puts what the provider says of the files of results in the place of what the gateway supposed, for the list of
// files. Where it cannot be had that stays.
func (m *lineMeter) describe(ctx context.Context, natives ...string) {
	for _, native := range natives {
		file, ok := m.e.things.Get(m.thing.Owner, m.e.things.Name(m.thing.Owner, filePrefix, llm.ThingFile, m.thing.Target.Provider, native))
		if native == "" || !ok {
			continue
		}
		object, err := fetchWhole(ctx, m.place, errand{m.b.Files(), llm.OpFile, http.MethodGet, "/v1/files/" + url.PathEscape(native)})
		if err != nil {
			continue
		}
		at, err := fileID.Scan(object)
		if err != nil || rawjson.Text(at.Get(object, 0)) != native {
			continue
		}
		file.Object = fileID.Apply(nil, object, &at, splice.Change{Value: rawjson.AppendString(nil, file.ID)})
		_ = m.e.things.Put(file) // of about the same size; if it cannot be, what was supposed stays
	}
}

// lineMeter records the results of one batch.
type lineMeter struct {
	e     *Engine
	s     *Snapshot
	place *Place
	b     dialect.Batcher
	thing *gateway.Thing
	done  int
	most  int                 // results that came by number
	read  map[uint64]struct{} // by the beginnings of hashed ids: what is recorded
	asked map[uint64]int      // which model each asked for, where there are several and it can be known

	failed error // the ledger does not take what they cost
}

// results reads one source of results, one at a time.
func (m *lineMeter) results(ctx context.Context, from dialect.Source) error {
	resp, err := fetchAsked(ctx, m.place, errand{from.Dialect, from.Op, http.MethodGet, from.Path}, from.Query)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if from.Listed {
		sieve := rawjson.Sieve{Lists: m.b.Lists(), Most: resultMost, Rest: answerMost}
		_, err := sieve.Read(resp.Body, func(n int, text []byte) error { return m.result(ctx, n, text) })
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 64<<10), resultMost)
	for n := 0; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := m.result(ctx, n, lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// result records a result, which is the nth of its source, unless that was done.
func (m *lineMeter) result(ctx context.Context, n int, text []byte) error {
	r, err := m.b.Result(text)
	if err != nil {
		return err
	}
	if r.ID == "" {
		r.ID, m.most = strconv.Itoa(n), max(m.most, n+1)
	}
	id := shortID(r.ID)
	if _, again := m.read[id]; again {
		return nil
	}
	m.record(&r)
	if err := m.failed; err != nil { // it is tried again
		m.failed = nil
		return err
	}
	m.read[id] = struct{}{}
	if m.done++; m.done%breather == 0 {
		select {
		case <-time.After(breathTime):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// lacking records the requests that have no result, where results come by number: a batch that was cancelled or failed has
// fewer.
func (m *lineMeter) lacking(said *dialect.Batch) {
	if said.Lacks == nil {
		return
	}
	for n := m.most; n < m.thing.Lines; n++ {
		id := strconv.Itoa(n)
		if _, again := m.read[shortID(id)]; again {
			continue
		}
		m.record(&dialect.Result{ID: id, Fault: said.Lacks})
		m.read[shortID(id)] = struct{}{}
	}
}

// shortID stands for a line's id where many are remembered.
func shortID(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}

// askedFor reads out of the file of requests which model each asks for, where there are several. Where the file is gone the
// models that answer tell.
func (m *lineMeter) askedFor(ctx context.Context, native string) error {
	if len(m.thing.Asked) < 2 || native == "" || m.b.Files() == "" {
		return nil
	}
	resp, err := fetch(ctx, m.place, errand{m.b.Files(), llm.OpFile, http.MethodGet, "/v1/files/" + url.PathEscape(native) + "/content"})
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	m.asked = map[uint64]int{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 64<<10), resultMost)
	for lines.Scan() {
		model := rawjson.Text(rawjson.Get(lines.Bytes(), "body", "model"))
		if i := slices.IndexFunc(m.thing.Asked, func(r gateway.Renamed) bool { return r.Target == model }); i >= 0 {
			m.asked[shortID(rawjson.Text(rawjson.Get(lines.Bytes(), "custom_id")))] = i
		}
	}
	return lines.Err()
}

// model returns what a line asked for, nothing where that is not known.
func (m *lineMeter) model(id string) gateway.Renamed {
	if i, ok := m.asked[shortID(id)]; ok {
		return m.thing.Asked[i]
	}
	return onlyModel(m.thing)
}

// record makes an exchange of a line of results and hands it over.
func (m *lineMeter) record(r *dialect.Result) {
	model := m.model(r.ID)
	x := m.e.lineOf(m.s, m.thing, r.ID, model)
	c := &call{e: m.e, s: m.s, x: x, d: m.s.Dialect(x.Dialect), booked: true}
	a := &x.Attempts[0]
	a.Status, a.UpstreamID, a.Fault = r.Status, bounded(r.Upstream, 200), r.Fault
	x.Status, x.Ending, x.Fault = r.Status, gateway.Done, r.Fault
	switch {
	case c.d == nil: // of a build that knew it
		x.Ending, x.Fault = gateway.Failed, fault.New(fault.NotFound, "this build does not speak %s", x.Dialect)
	case r.Fault != nil:
		x.Ending = gateway.Failed
		x.Status = r.Fault.Status()
	case r.Status >= 400:
		a.Fault = c.d.ReadFault(r.Status, http.Header{}, r.Body)
		own := *a.Fault
		own.Message = fault.Blot(own.Message)
		x.Ending, x.Fault = gateway.Failed, &own
	default:
		c.meterLine(m, model, r.Body)
	}
	if c.bookLine(m); m.failed == nil {
		m.e.record(x)
	}
}

// meterLine reads what an answer came to and prices it.
func (c *call) meterLine(m *lineMeter, target gateway.Renamed, body []byte) {
	x := c.x
	meter := c.d.Meter()
	meter.Body(body)
	reading := meter.Read()
	x.Usage, x.Stop, x.Model, x.AnswerID, c.made = reading.Usage, reading.Stop, reading.Model, reading.ID, reading.Made
	if reading.Fault != nil {
		x.Fault, x.Attempts[0].Fault, x.Ending = reading.Fault, reading.Fault, gateway.Failed
	}
	if target.Target == "" {
		target = modelOf(m.thing, x.Model)
		m.e.asks(m.s, x, target)
	}
	c.basis = basis{tier: price.Batch.String(), target: x.Answered()}
	if m.place.Prices != nil {
		c.basis.price, _ = m.place.Prices.Price(target.Target, m.thing.Made)
	}
	if x.Usage == nil {
		x.Unpriced, x.Alert = "the answer states no usage", c.s.Unpriced == AlertUnpriced
		return
	}
	if m.place.Facts != nil && x.Dialect == llm.OpenAIChat {
		m.place.Facts(target.Target).Usage.Correct(x.Usage)
	}
	if tier, _ := price.ParseTier(x.Usage.Tier); tier == price.Standard { // the word is of the service within the batch
		x.Usage.Tier = price.Batch.String()
	}
	c.price()
}

// lineOf returns the beginning of the record of a batch's request.
func (e *Engine) lineOf(s *Snapshot, thing *gateway.Thing, id string, model gateway.Renamed) *gateway.Exchange {
	x := &gateway.Exchange{
		ID: lineID(thing.ID, id), Start: time.Now(), Revision: s.Revision, Method: http.MethodPost, Path: thing.Path,
		Grant: &gateway.Grant{Account: gateway.Account{Key: thing.Owner}}, Batch: thing.ID,
	}
	if b, ok := s.Dialect(thing.Dialect).(dialect.Batcher); ok {
		x.Dialect, x.Op = b.Asks(thing.Path)
	}
	x.Attempts = []gateway.Attempt{{Target: gateway.Target{Provider: thing.Target.Provider}, Dialect: x.Dialect, Mode: gateway.Passed}}
	e.asks(s, x, model)
	return x
}

// asks notes the model that a batch's request asked for.
func (*Engine) asks(s *Snapshot, x *gateway.Exchange, model gateway.Renamed) {
	x.Head.Model, x.Attempts[0].Target.Model = model.Asked, model.Target
	if model.Asked != "" {
		x.Plan.Rule, _, _ = s.Router.Match(x) // "" where the document has lost the model
	}
}

// onlyModel returns the model of a batch that asks for one, nothing of any other.
func onlyModel(thing *gateway.Thing) gateway.Renamed {
	if len(thing.Asked) == 1 {
		return thing.Asked[0]
	}
	return gateway.Renamed{}
}

// modelOf returns the model that a request of a batch asked for, by the one that answered: providers tell a model's exact
// edition, whose name begins with the one that was asked. The longest that fits counts; of two names that the client has for
// one, the first.
func modelOf(thing *gateway.Thing, answered string) (best gateway.Renamed) {
	for _, r := range thing.Asked {
		if strings.HasPrefix(answered, r.Target) && len(r.Target) > len(best.Target) {
			best = r
		}
	}
	return best
}

// lineID is the id of the exchange of a batch's request: a UUID of version 8 made from both ids, always the same.
func lineID(batch, line string) string {
	sum := sha256.Sum256([]byte(batch + "\x00" + line))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// record hands an exchange over that no client waits for.
func (e *Engine) record(x *gateway.Exchange) {
	if e.observer != nil {
		e.observer.Begin(x)
		e.observer.End(x)
	}
}

// readSome reads at most so many bytes, and fails on more.
func readSome(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = errors.New("the answer is too large")
	}
	return b, err
}
