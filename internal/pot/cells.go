package pot

import (
	"time"

	"weir/internal/gateway"
)

// cell returns how a pot stands, nil if there is no room for another one.
func (p *Pots) cell(sh *shard, pot *gateway.Pot, now int64) *cell {
	c := sh.cells[pot.Name]
	if now-sh.swept >= int64(sweepEvery) {
		p.sweep(sh, now)
		c = sh.cells[pot.Name]
	}
	if c == nil {
		if p.cells.Load() >= int64(p.o.Most) {
			p.sweep(sh, now)
			if p.cells.Load() >= int64(p.o.Most) {
				p.count.full.Add(1)
				return nil
			}
		}
		c = &cell{}
		sh.cells[pot.Name] = c
		p.cells.Add(1)
	}
	if c.pot != pot {
		p.adopt(sh, c, pot, now)
	}
	return c
}

// held returns how a pot stands that something was drawn from. It stays as the document has it now: what was drawn may be of
// an earlier one.
func (p *Pots) held(sh *shard, pot *gateway.Pot, now int64) *cell {
	if c := sh.cells[pot.Name]; c != nil && c.pot != nil && c.pot.Kind == pot.Kind {
		return c
	}
	return p.cell(sh, pot, now)
}

// adopt makes a cell that of a pot as the document says it now.
func (p *Pots) adopt(sh *shard, c *cell, pot *gateway.Pot, now int64) {
	old := c.pot
	c.pot = pot
	switch pot.Kind {
	case gateway.Purse:
		if old == nil || old.Kind != pot.Kind || old.Window != pot.Window {
			for i := range c.purse.windows {
				w := &c.purse.windows[i]
				w.frame(&pot.Window)
			}
		}
		for i := range c.purse.windows {
			w := &c.purse.windows[i]
			switch h := w.slice; {
			case h == nil:
			case old == nil:
				h.fleet.enqueue(h) // of an earlier life: what was in hand then goes back
			case old.Amount > pot.Amount: // what is in hand may be more than there is now
				h.granted, h.unsure = min(h.granted, w.spent), true
				h.fleet.enqueue(h)
			}
		}
	case gateway.Level:
		if p.rates != nil && c.slice == nil {
			c.slice = &slice{fleet: p.rates, shard: sh, cell: c}
		}
	default:
		if p.rates != nil {
			if c.slice == nil {
				c.slice = &slice{fleet: p.rates, shard: sh, cell: c}
			}
			return
		}
		// What is drawn of requests comes back at once or never: then time tells enough.
		if c.bucket.lows == nil && pot.Unit != gateway.Requests {
			c.bucket.lows = &lows{}
		}
		c.bucket.set(now, pot.Amount, max(int64(pot.Per), 1))
	}
}

// part gives a window a slice, where there is a fleet.
func (p *Pots) part(sh *shard, c *cell, w *window) {
	if p.purses != nil {
		w.slice = &slice{fleet: p.purses, shard: sh, cell: c, window: w.begin, unsure: true}
	}
}

// window returns the window of a purse that holds a time. draw says that it is about to be drawn from.
func (p *Pots) window(sh *shard, c *cell, pot *gateway.Pot, at time.Time, draw bool) *window {
	if w := c.purse.find(at.Unix()); w != nil {
		return w
	}
	begin := pot.Window.Begin(at).Unix()
	if w := c.purse.at(begin); w != nil {
		return w
	}
	return p.openWindow(sh, c, begin, draw)
}

// openWindow begins a window that nothing is known of.
func (p *Pots) openWindow(sh *shard, c *cell, begin int64, draw bool) *window {
	w := c.purse.open(begin)
	w.frame(&c.pot.Window)
	p.part(sh, c, w)
	// What was spent in a window that may have been forgotten is not known, so nothing more is drawn from it.
	if draw && w.ends != never {
		w.late = w.ends <= sh.gone || p.o.Now().Unix() >= w.ends+int64(remembered(&c.pot.Window)/time.Second)
	}
	return w
}

// remembered is for how long a window is kept when it is over.
func remembered(w *gateway.Window) time.Duration {
	if w.Slot() > 0 {
		return min(grace, w.Over)
	}
	return grace
}

// sweep forgets what stands as it would at first.
func (p *Pots) sweep(sh *shard, now int64) {
	sh.swept = now
	wall := p.o.Now().Unix()
	for name, c := range sh.cells {
		if c.pot == nil {
			continue // loaded, and not drawn from yet
		}
		var rests bool
		switch c.pot.Kind {
		case gateway.Purse:
			rests = c.sweepPurse(sh, wall, now)
		case gateway.Level:
			rests = c.level == 0
		default:
			rests = c.bucket.full <= now
		}
		if rests && (c.slice == nil || c.slice.rests(now)) {
			delete(sh.cells, name)
			p.cells.Add(-1)
		}
	}
}

// sweepPurse forgets windows that have been over for a while, by both clocks, and reports whether none is left.
func (c *cell) sweepPurse(sh *shard, wall, now int64) bool {
	keep := c.purse.windows[:0]
	minute := uint16(now / int64(time.Minute))
	minutes := uint16(remembered(&c.pot.Window) / time.Minute)
	for _, w := range c.purse.windows {
		switch {
		case w.spent == 0 && w.out == 0 && !w.late && (w.slice == nil || w.slice.rests(now)):
		case w.ends > wall || w.out > 0 || w.slice != nil && !w.slice.rests(now):
			w.seen = 0
			keep = append(keep, w)
		case w.seen == 0:
			w.seen = max(minute, 1)
			keep = append(keep, w)
		case minute-w.seen < minutes:
			keep = append(keep, w)
		default:
			sh.gone = max(sh.gone, w.ends)
		}
	}
	clear(c.purse.windows[len(keep):])
	c.purse.windows = keep
	return len(keep) == 0
}
