package statement

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"weir/internal/gateway"
)

// correction returns an entry that changes what e comes to. It is admitted when e was, so that it counts in the same month
// and the same window of a budget; Ended says when it was booked. before is how many corrections e has: the same decision
// made twice has one ID and is booked once.
func correction(e *gateway.Entry, by gateway.Money, before int, reason string, now time.Time) gateway.Entry {
	c := *e
	c.ID = correctionID(e.ID, before)
	c.State, c.Estimated, c.Ended = gateway.EntryCorrected, false, now
	c.Usage, c.Items, c.Held, c.Saved = nil, nil, 0, 0
	c.Cost, c.Unpriced = by, ""
	c.Corrects, c.Reason = e.ID, reason
	return c
}

// correctionID names the n-th correction of an entry: a UUID of version 8, made of the entry's ID.
func correctionID(entry string, n int) string {
	sum := sha256.Sum256([]byte("correction\x00" + entry + "\x00" + strconv.Itoa(n)))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	text := hex.EncodeToString(id)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// corrected is an entry with what its corrections make of it.
type corrected struct {
	entry *gateway.Entry
	cost  gateway.Money // with all corrections
	count int           // of corrections
	price string        // of the last one
}

// settled pairs the entries of a group with their corrections.
func settled(group []gateway.Entry) []corrected {
	var out []corrected
	at := map[string]int{}
	for i := range group {
		e := &group[i]
		if e.Corrects == "" {
			at[e.ID] = len(out)
			out = append(out, corrected{e, e.Cost, 0, e.Price})
		}
	}
	for i := range group {
		e := &group[i]
		if n, ok := at[e.Corrects]; ok && e.Corrects != "" {
			c := &out[n]
			c.cost += e.Cost
			c.count++
			// The last one is that whose ID is of the highest number; they are few.
			if e.ID == correctionID(e.Corrects, c.last(group)) {
				c.price = e.Price
			}
		}
	}
	return out
}

// last returns the number of the last correction of the entry that is in the group.
func (c *corrected) last(group []gateway.Entry) int {
	n := 0
	for i := range group {
		if group[i].Corrects == c.entry.ID {
			n++
		}
	}
	return n - 1
}

// writer books corrections in batches.
type writer struct {
	ctx   context.Context
	books gateway.Books
	batch []gateway.Entry
	fresh int
}

const batchSize = 500

func (w *writer) add(e gateway.Entry) error {
	w.batch = append(w.batch, e)
	if len(w.batch) < batchSize {
		return nil
	}
	return w.flush()
}

func (w *writer) flush() error {
	if len(w.batch) == 0 {
		return nil
	}
	n, err := w.books.Append(w.ctx, w.batch)
	w.fresh += n
	w.batch = w.batch[:0]
	return err
}
