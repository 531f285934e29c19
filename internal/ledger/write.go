package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/journal"
	"weir/internal/llm"
)

// buffers are for records until they are in the journal.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 1024)) }}

func giveBack(b *[]byte) {
	if cap(*b) <= 64<<10 {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// record encodes an entry. One that is longer than a record may be loses what nothing is computed from.
func record(dst []byte, k kind, e *gateway.Entry) []byte {
	b := appendEntry(dst, k, e)
	if len(b) <= journal.MaxRecord {
		return b
	}
	short := *e
	if e.Usage != nil {
		usage := *e.Usage
		usage.Extra = nil
		usage.Rounds = make([]llm.Usage, len(e.Usage.Rounds))
		for i, round := range e.Usage.Rounds {
			round.Extra = nil
			usage.Rounds[i] = round
		}
		short.Usage = &usage
	}
	if b = appendEntry(dst, k, &short); len(b) <= journal.MaxRecord {
		return b
	}
	short.Tags = nil
	for _, s := range []*string{&short.EndUser, &short.Session, &short.UpstreamID, &short.AnswerID, &short.Reason, &short.Asked} {
		*s = (*s)[:min(len(*s), 4096)]
	}
	return appendEntry(dst, k, &short)
}

// Open implements gateway.Ledger. It keeps nothing of e.
func (l *Ledger) Open(e *gateway.Entry) error {
	n, _ := l.holds.count()
	if l.closing.Load() || n >= l.o.Holds {
		return l.refuse(nil, n)
	}
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer giveBack(b)
	*b = record(*b, kindHold, e)
	l.holds.add(e.ID, l.floor.Load(), len(*b))
	at, err := l.journal.Append(*b)
	if err != nil {
		s := l.holds.shard(e.ID)
		s.mu.Lock()
		l.holds.remove(s, e.ID)
		s.mu.Unlock()
		return l.refuse(err, n)
	}
	l.holds.stands(e.ID, at.Segment)
	return nil
}

// Close implements gateway.Ledger. It keeps nothing of e.
func (l *Ledger) Close(e *gateway.Entry) {
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer giveBack(b)
	if e.State == gateway.EntryOpened {
		*b = appendDrop(*b, e.ID)
	} else {
		*b = record(*b, kindEntry, e)
	}
	s := l.holds.shard(e.ID)
	s.mu.Lock()
	h, ok := s.holds[e.ID]
	switch {
	case ok && h.state == carried:
		h.closed = bytes.Clone(*b) // who carries it closes it, behind where it then stands
		s.holds[e.ID] = h
	case ok || e.State != gateway.EntryOpened:
		// The record is in the journal's hands before the hold is forgotten: who finds no hold and then syncs has the record.
		l.close(*b)
		l.holds.remove(s, e.ID)
	}
	s.mu.Unlock()
	if !ok {
		l.strays.Add(1)
	}
}

// close appends the record of what an entry came to. Where the journal takes nothing more, it is kept for the books.
func (l *Ledger) close(b []byte) {
	err := l.journal.AppendLazy(b)
	entry := kind(b[1]) == kindEntry
	switch {
	case err == nil && entry:
		l.count(len(b))
	case err == nil:
		wake(l.kick) // the journal is to be tidied all the same
	case entry:
		_, e, err := decode(b) // of its own: e is not kept
		l.mu.Lock()
		if err == nil && len(l.stranded) < l.o.Holds {
			l.stranded = append(l.stranded, e)
		}
		l.mu.Unlock()
		wake(l.kick)
	}
}

// Book implements gateway.Ledger.
func (l *Ledger) Book(e *gateway.Entry) error {
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put there
	defer giveBack(b)
	*b = record(*b, kindEntry, e)
	if _, err := l.journal.Append(*b); err != nil {
		return l.refuse(err, 0)
	}
	l.count(len(*b))
	return nil
}

// count takes note of an entry that the books do not have.
func (l *Ledger) count(bytes int) {
	l.undrainedBytes.Add(int64(bytes))
	if l.undrained.Add(1) == 1 {
		l.behind.CompareAndSwap(0, l.o.Now().UnixNano())
		wake(l.kick)
	}
}

// refuse tells why nothing can be written.
func (l *Ledger) refuse(err error, open int) *fault.Fault {
	l.refused.Add(1)
	const none = "so no request is sent: the gateway keeps account of every one before it goes out"
	f := &fault.Fault{Kind: fault.Unavailable, Cause: err, RetryAfter: 5 * time.Second}
	switch {
	case l.closing.Load(), errors.Is(err, journal.ErrClosed):
		f.Message = "the gateway is being stopped, and its ledger is closed"
	case errors.Is(err, journal.ErrFull):
		wake(l.kick) // there may be something to tidy
		f.Message = "the ledger's journal is full, " + l.why() + ", " + none
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f.Message = "the disk of the ledger's journal is full until the operator has made room, " + none
	case errors.Is(err, syscall.EROFS):
		f.Message = "the file system of the ledger's journal is read-only until the operator has mended that, " + none
	case l.journal.Broken() != nil:
		f.Message = "the disk of the ledger's journal has failed, and the operator has to mend it and to start the gateway again, " + none
	case err == nil:
		f.Message = fmt.Sprintf("%d requests are open at once, as many as the ledger may hold, %s", open, none)
	default:
		f.Message = "the ledger's journal cannot be written until the operator has mended that, " + none
	}
	return f
}

// why tells why the journal is full.
func (l *Ledger) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failing != nil {
		return "because the store that entries go to has not taken any since " + l.since.UTC().Format(time.RFC3339) +
			"; the operator has to bring the store back, or to give the journal more room"
	}
	return fmt.Sprintf("because %d entries wait to be taken to the store; the operator has to make the store faster, or to give the journal more room",
		l.undrained.Load())
}
