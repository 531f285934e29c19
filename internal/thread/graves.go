package thread

import "time"

// place is where a turn stands.
type place struct {
	seg *segment
	off int64
}

// grave is what is known of an owner and id of which some segment still holds a dead turn, a ghost, while the entry that
// says that it is dead stands in another segment. While there are ghosts, one such entry must stay: the living turn that
// took the dead one's place, or else the entry at stone, which is counted as living where it stands. That is a note that
// the turn is gone, or a turn that has ended and becomes such a note when its segment is written anew.
type grave struct {
	ghosts int
	stone  place // seg nil = a living turn, or a note that could not be written yet
	size   int64
}

// ghostCost is about what a ghost takes in memory.
const ghostCost = 160

// The functions below keep the index and what is counted of segments; File.mu is held. They do the same when a folder is
// read as when its entries are written.

// insert takes note of a turn's entry. It replaces the turn before it, and what said that an older one is dead.
func (f *File) insert(h *head, size int64, p place) {
	k := key{h.owner, h.id}
	if old := f.index.get(h.owner, h.id); old != nil {
		f.bury(old, k, p.seg)
	}
	if g := f.graves[k]; g != nil {
		f.unstone(g)
	}
	f.index.add(h.owner, h.id, h.ends, size, h.items, p)
	p.seg.live += size
}

// erase takes note of an entry that says that a turn is gone. p.seg is nil where the entry could not be written yet.
func (f *File) erase(k key, size int64, p place) {
	if old := f.index.get(k.owner, k.id); old != nil {
		f.bury(old, k, p.seg)
	}
	f.stone(k, size, p)
}

// stone makes the entry at p the one that must stay, if there are ghosts; else it is dead where it stands.
func (f *File) stone(k key, size int64, p place) {
	if g := f.graves[k]; g != nil {
		f.unstone(g)
		if p.seg != nil {
			g.stone, g.size = p, size
			p.seg.live += size
			return
		}
	}
	if p.seg != nil {
		f.died(p.seg)
	}
}

func (f *File) unstone(g *grave) {
	if g.stone.seg != nil {
		g.stone.seg.live -= g.size
		f.died(g.stone.seg)
		g.stone = place{}
	}
}

// bury takes a turn out that an entry in the segment by says is dead.
func (f *File) bury(old *node[place], k key, by *segment) {
	seg := old.p.seg
	seg.live -= old.bytes
	f.died(seg)
	f.index.remove(old)
	if seg != by {
		f.ghost(seg, k)
	}
}

func (f *File) ghost(seg *segment, k key) {
	g := f.graves[k]
	if g == nil {
		g = &grave{}
		f.graves[k] = g
	}
	g.ghosts++
	f.ghosts++
	seg.ghosts = append(seg.ghosts, k)
}

// lay lets the ghosts of a segment go, which is not there any more.
func (f *File) lay(seg *segment) {
	for _, k := range seg.ghosts {
		g := f.graves[k]
		f.ghosts--
		if g.ghosts--; g.ghosts == 0 {
			f.unstone(g)
			delete(f.graves, k)
		}
	}
	seg.ghosts = nil
}

// expire takes out the turns whose time is over.
func (f *File) expire(now time.Time) {
	for n := f.index.ended(nanos(now)); n != nil; n = f.index.ended(nanos(now)) {
		f.leave(n)
		f.expired++
	}
}

// leave takes a turn out without an entry that says so. Where it said that older ones are dead, it goes on doing so.
func (f *File) leave(n *node[place]) {
	k, p := key{n.owner.name, n.id}, n.p
	p.seg.live -= n.bytes
	f.died(p.seg)
	f.index.remove(n)
	if f.graves[k] != nil {
		f.stone(k, goneSize(k), p)
	}
}

// died takes note that something in a segment is dead now, and wakes who tidies.
func (f *File) died(seg *segment) {
	if seg.dead.IsZero() {
		seg.dead = f.o.Now()
	}
	wake(f.untidy)
}

// wake says on a channel with room for one that there is something to do.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
