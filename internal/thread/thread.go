// Package thread keeps turns, so that a conversation can go on from an answer that no provider keeps: in memory, where a
// restart forgets them, or in files.
//
// Both stores are bounded in all and for each owner. What has ended leaves before anybody is refused; a store that is full
// refuses, saying what is full and what helps, and pushes out nothing that somebody was promised. Both find a turn by owner
// and id as they are, never by a hash of them, so nobody reaches what is another's. What was said is encrypted (AES-256-GCM)
// wherever it is kept: in memory under a key that lives as long as the process, in files under one that lies beside them.
//
// A turn that a provider keeps (Turn.Native) is no more than whose it is and where. Of its items only hashes are kept: it
// is found by them, but does not name them when it is read.
//
// # Files
//
// A File is a folder of segments, to which entries are only ever appended: a turn, or the note that one is gone. The later
// entry of an owner and id is the one that counts. An entry has a head, which is all that the index in memory needs, and a
// body, the conversation. Each is encrypted by itself. A head is bound to its segment and its place there; the body is
// bound to its head. So a start reads heads only, and an entry that was moved, swapped or changed does not open.
//
// Put returns when the entry is written; that it lasts when the machine stops is seen to every 100 ms for all entries
// together, and by Sync. When the process alone ends, however it does, everything that was put is there again. An entry
// that was being written at that moment is cut off at the next start, and counted.
//
// One goroutine tidies: it removes segments of which nothing lives, and writes together what is left of those that are
// mostly dead. The new segment stands in for a range of old ones, in their order, and takes its place by being renamed; so
// at every moment the folder says one thing only. What was deleted or has ended leaves the disk within about a day.
//
// It must not forget too much. Where an older segment still holds a dead turn, whatever says that it is dead has to stay, or
// the turn would be back at the next start. The index counts such ghosts; see grave.
package thread

import (
	"fmt"
	"math"
	"time"

	"weir/internal/fault"
)

// Bounds of stores whose Options do not say otherwise. An owner's part is a quarter.
const (
	DefaultMemory = 256 << 20 // of a Memory
	DefaultDisk   = 4 << 30   // of a File
	DefaultIndex  = 256 << 20 // of a File's index, which is in memory
)

// Options configures a store. Zero values mean the defaults.
type Options struct {
	Bytes int64            // the most memory or disk it takes
	Owner int64            // the most of it that one owner's turns take; 0 = a quarter
	Now   func() time.Time // the clock; nil = time.Now
	Words Words            // what clients are told is kept; the zero value = responses

	// The following are for a File.

	Index   int64  // the most memory its index takes; an owner's part is as for Bytes
	KeyFile string // holds the key; "" = threads.key in its folder

	disk    disk          // what the files are on; nil = the system's
	segment int64         // a segment that has grown so far is not written on; 0 = by Bytes
	every   time.Duration // how often what is written is made to last; 0 = 100 ms
	alone   bool          // no goroutines: tests call what they would
}

// Stats says how full a store is and what became of turns.
type Stats struct {
	Turns   int
	Bytes   int64  // of living turns
	Disk    int64  // of all files
	Refused uint64 // turns that were not kept
	Expired uint64 // turns whose time was over
	Torn    int64  // bytes of entries that were not written whole, cut off at the start
	Damaged uint64 // places in files that cannot be read, and entries found so when they were asked for
	Owed    int    // deletions that could not be written yet
}

// Words say to clients what a store keeps and what helps when it is full.
type Words struct {
	Many    string // what is kept: responses
	One     string // one of it: this response and the conversation before it
	Smaller string // what to do where one is too large
	Fewer   string // what to do where there is no room
	Else    string // what to do until the operator has mended something
}

var ofResponses = Words{
	Many: "responses", One: "this response and the conversation before it",
	Smaller: "begin a new conversation, or send store: false",
	Fewer:   "delete responses that are not needed any more, send store: false",
	Else:    "send store: false",
}

// noRoom is the fault of a full store. whose says who has filled it, next when the first of it ends.
func (w *Words) noRoom(whose string, used, most, next int64) *fault.Fault {
	wait := ""
	if next != math.MaxInt64 {
		wait = ", or wait until the next one ends at " + time.Unix(0, next).UTC().Format(time.RFC3339)
	}
	return fault.New(fault.Unavailable, "the room for %s kept %s is full (%s of %s): %s%s", w.Many, whose, amount(used), amount(most), w.Fewer, wait)
}

// tooLarge is the fault of a turn that would not fit if the owner had nothing else.
func (w *Words) tooLarge(size, most int64) *fault.Fault {
	return fault.New(fault.Unavailable, "%s take %s, and at most %s are kept for one key: %s", w.One, amount(size), amount(most), w.Smaller)
}

// bounds are the bounds of a store in one measure.
type bounds struct{ all, owner int64 }

// amount writes a number of bytes for people.
func amount(n int64) string {
	for _, unit := range [...]struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
