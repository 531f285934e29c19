package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

var errRecord = errors.New("it is not a record of the ledger")

// kindOf returns what a record says and about which entry; id is a part of b.
func kindOf(b []byte) (k kind, id []byte, err error) {
	if len(b) < 2 {
		return 0, nil, errRecord
	}
	if b[0] != version || b[1] == 0 || b[1] > byte(kindDrop) {
		return 0, nil, fmt.Errorf("it is of version %d and kind %d, of a later version of the gateway than this one", b[0], b[1])
	}
	// The ID is the first field.
	if len(b) < 4 || b[2] != fieldID<<3|wireBytes {
		return 0, nil, errRecord
	}
	n, at := uvarint(b, 3)
	if at == 0 || n == 0 || n > uint64(len(b)-at) {
		return 0, nil, errRecord
	}
	return kind(b[1]), b[at : at+int(n)], nil
}

// decode reads the entry of a record, which it keeps nothing of.
func decode(b []byte) (k kind, e gateway.Entry, err error) {
	k, _, err = kindOf(b)
	if err != nil {
		return 0, e, err
	}
	r := fields{s: string(b[2:])}
	for r.next() {
		entryField(&e, &r)
	}
	if e.ID == "" && r.err == nil { // a second one took the first's place
		return 0, e, errRecord
	}
	return k, e, r.err
}

func entryField(e *gateway.Entry, r *fields) {
	switch r.field {
	case fieldID:
		e.ID = r.text()
	case fieldExchange:
		e.Exchange = r.text()
	case fieldAttempt:
		e.Attempt = int(r.int())
	case fieldNode:
		e.Node = r.text()
	case fieldRevision:
		e.Revision = r.text()
	case fieldAt:
		e.At = r.time()
	case fieldEnded:
		e.Ended = r.time()
	case fieldState:
		e.State = gateway.EntryState(r.text())
	case fieldEstimated:
		e.Estimated = r.int() != 0
	case fieldPayer:
		e.Payer = gateway.Payer(r.text())
	case fieldEndUser:
		e.EndUser = r.text()
	case fieldSession:
		e.Session = r.text()
	case fieldTag:
		e.Tags = append(e.Tags, r.text())
	case fieldUsage:
		e.Usage = new(llm.Usage)
		r.within(func(r *fields) { usageField(e.Usage, r, 0) })
	case fieldItem:
		e.Items = append(e.Items, gateway.EntryItem{})
		r.within(func(r *fields) { itemField(&e.Items[len(e.Items)-1], r) })
	case fieldCost:
		e.Cost = gateway.Money(r.int())
	case fieldHeld:
		e.Held = gateway.Money(r.int())
	case fieldSaved:
		e.Saved = gateway.Money(r.int())
	case fieldPrice:
		e.Price = r.text()
	case fieldUnpriced:
		e.Unpriced = r.text()
	case fieldCharge:
		e.Charges = append(e.Charges, gateway.Charge{})
		r.within(func(r *fields) { chargeField(&e.Charges[len(e.Charges)-1], r) })
	case fieldCorrects:
		e.Corrects = r.text()
	case fieldReason:
		e.Reason = r.text()
	default:
		routeField(e, r)
	}
}

// routeField reads who asked for what, and where it went.
func routeField(e *gateway.Entry, r *fields) {
	switch r.field {
	case fieldOrganisation:
		e.Organisation = r.text()
	case fieldTeam:
		e.Team = r.text()
	case fieldProject:
		e.Project = r.text()
	case fieldUser:
		e.User = r.text()
	case fieldKey:
		e.Key = r.text()
	case fieldOp:
		e.Op = llm.Op(r.text())
	case fieldDialect:
		e.Dialect = llm.Dialect(r.text())
	case fieldSpoken:
		e.Spoken = llm.Dialect(r.text())
	case fieldRule:
		e.Rule = r.text()
	case fieldAsked:
		e.Asked = r.text()
	case fieldProvider:
		e.Target.Provider = r.text()
	case fieldTargetModel:
		e.Target.Model = r.text()
	case fieldModel:
		e.Model = r.text()
	case fieldUpstreamID:
		e.UpstreamID = r.text()
	case fieldAnswerID:
		e.AnswerID = r.text()
	case fieldBatch:
		e.Batch = r.text()
	}
}

func itemField(i *gateway.EntryItem, r *fields) {
	switch r.field {
	case itemComponent:
		i.Component = r.text()
	case itemAt:
		i.At = r.text()
	case itemUnits:
		i.Units = r.int()
	case itemPrice:
		i.Price = r.int()
	}
}

func chargeField(c *gateway.Charge, r *fields) {
	switch r.field {
	case chargePot:
		c.Pot = r.text()
	case chargeWindow:
		c.Window = r.int()
	}
}

func usageField(u *llm.Usage, r *fields, depth int) {
	switch r.field {
	case usageSaid:
		u.Said = llm.Fields(r.int())
	case usageEstimated:
		u.Estimated = llm.Fields(r.int())
	case usageCost:
		u.Cost = llm.Num(r.text())
	case usageTier:
		u.Tier = r.text()
	case usageExtra:
		var name, value string
		r.within(func(r *fields) {
			switch r.field {
			case extraName:
				name = r.text()
			case extraValue:
				value = r.text()
			}
		})
		if u.Extra == nil {
			u.Extra = llm.Extra{}
		}
		u.Extra[name] = json.RawMessage(value)
	case usageRound:
		if depth >= mostRounds {
			r.err = errRecord
			return
		}
		u.Rounds = append(u.Rounds, llm.Usage{})
		r.within(func(r *fields) { usageField(&u.Rounds[len(u.Rounds)-1], r, depth+1) })
	default:
		if i := r.field - usageCounts; r.field >= usageCounts && i < uint64(len(counts(u))) {
			*counts(u)[i] = r.int()
		}
	}
}

// fields reads fields one after the other. Their texts are parts of s.
type fields struct {
	s     string
	at    int
	err   error
	field uint64
	wire  uint64
	n     int64
	value string
}

// next reads the next field and reports whether there is one.
func (r *fields) next() bool {
	if r.err != nil || r.at >= len(r.s) {
		return false
	}
	key := r.uvarint()
	r.field, r.wire, r.n, r.value = key>>3, key&7, 0, ""
	size := uint64(0)
	switch r.wire {
	case wireInt:
		n := r.uvarint()
		r.n = int64(n>>1) ^ -int64(n&1)
	case wireBytes:
		size = r.uvarint()
	case wireFixed:
		size = 8
	case wireHalf:
		size = 4
	default:
		r.err = errRecord
	}
	if r.err != nil || size > uint64(len(r.s)-r.at) {
		r.err = errRecord
		return false
	}
	r.value = r.s[r.at : r.at+int(size)]
	r.at += int(size)
	return true
}

func (r *fields) uvarint() uint64 {
	n, at := uvarint(r.s, r.at)
	if at == 0 {
		r.err = errRecord
		return 0
	}
	r.at = at
	return n
}

// uvarint reads a number at a place and returns where it ends; 0 if there is none.
func uvarint[S ~string | ~[]byte](s S, at int) (n uint64, end int) {
	for shift := 0; at < len(s) && shift < 64; shift += 7 {
		c := s[at]
		at++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, at
		}
	}
	return 0, 0
}

func (r *fields) text() string {
	if r.wire != wireBytes {
		r.err = errRecord
	}
	return r.value
}

func (r *fields) int() int64 {
	if r.wire != wireInt {
		r.err = errRecord
	}
	return r.n
}

func (r *fields) time() time.Time {
	in := fields{s: r.text()}
	seconds, nanos := in.uvarint(), in.uvarint()
	if r.err != nil || in.err != nil || nanos >= 1e9 {
		r.err = errRecord
		return time.Time{}
	}
	return time.Unix(int64(seconds>>1)^-int64(seconds&1), int64(nanos)).UTC()
}

// within reads the fields in a field.
func (r *fields) within(f func(*fields)) {
	in := fields{s: r.text(), err: r.err}
	for in.next() {
		f(&in)
	}
	r.err = in.err
}
