package gateway

import (
	"context"
	"iter"
	"time"
)

// Books keeps the entries of all nodes for good. Implementations are databases: they block, and nothing on a request's way
// calls them. They are safe for concurrent use.
type Books interface {
	// Append stores entries, all or none, each once: one whose ID is there already is passed over, whatever it says. With
	// them, in the same transaction, it keeps the sums that Spent and Spend answer from. It returns how many were new.
	Append(ctx context.Context, entries []Entry) (fresh int, err error)
	// Spent returns what is charged to purses in their windows that begin at since or later, by node.
	Spent(ctx context.Context, since time.Time) iter.Seq2[PotSpent, error]
	// Spend sums entries.
	Spend(ctx context.Context, q SpendQuery) ([]SpendRow, error)
	// Entries returns the entries that a query finds, oldest first.
	Entries(ctx context.Context, q EntryQuery) iter.Seq2[Entry, error]
	// Trim deletes entries admitted before a time, in steps that no writer waits for, and returns how many. What Spend says
	// of that time stays true.
	Trim(ctx context.Context, before time.Time) (deleted int64, err error)
}

// PotSpent is what is charged to one window, or slot, of a purse by one node.
type PotSpent struct {
	Charge
	Node  string
	Spent Money
}

// Field is what entries can be told apart by.
type Field string

// The fields.
const (
	ByOrganisation Field = "organisation"
	ByTeam         Field = "team"
	ByProject      Field = "project"
	ByUser         Field = "user"
	ByKey          Field = "key"
	ByEndUser      Field = "end_user"
	BySession      Field = "session"
	ByTag          Field = "tag" // an entry with several counts for each
	ByModel        Field = "model"
	ByProvider     Field = "provider"
	ByTarget       Field = "target"
	ByOperation    Field = "operation"
	ByState        Field = "state"
	ByPayer        Field = "payer"
	ByNode         Field = "node"
	ByBatch        Field = "batch"
	ByHour         Field = "hour"
	ByDay          Field = "day"
	ByWeek         Field = "week"
	ByMonth        Field = "month"
)

// SpendQuery asks for sums of entries.
type SpendQuery struct {
	From, To time.Time // by admission: from From on, before To; zero = open
	By       []Field   // how the sums are split, in this order; nil = one sum
	Zone     *time.Location
	Where    map[Field][]string // only entries with one of these values
	Most     int                // rows; 0 = 10,000. The dearest come first
}

// SpendRow is one sum. The fields' values are in the order of SpendQuery.By; times are RFC 3339 in the query's zone.
type SpendRow struct {
	Values                             []string
	Entries                            int64
	Input, CacheRead, Output           int64 // tokens
	Cost, Saved                        Money
	Unpriced, Estimated, Unknown, Open int64 // entries of which that is so
}

// EntryQuery asks for entries.
type EntryQuery struct {
	From, To time.Time
	Where    map[Field][]string
	IDs      []string
	Exchange string
}

// Shares divides pots among nodes: the sum of what it has granted never exceeds a pot. Implementations are the stores that
// nodes share; every call may block until ctx ends and may have had its effect although it failed. Time is the store's own:
// no node's clock decides.
type Shares interface {
	// Claim says for purses and levels how much in all a node wants to have been granted, and returns how much that is now.
	// More than before takes of what is left, and may get less; less gives back. A claim whose Seq is not above the last one
	// of that node, pot and window changes nothing, so that what arrives late or twice does no harm.
	Claim(ctx context.Context, node string, claims []Claim) ([]Granted, error)
	// Take takes for each bucket up to N of what is there. What is not used lapses: a bucket fills by itself.
	Take(ctx context.Context, asks []Ask) ([]Granted, error)
	// Claims returns all that is claimed of a pot's window, by node. Of a rolling window, window is a slot's beginning.
	Claims(ctx context.Context, pot string, window int64) (map[string]int64, error)
}

// Claim is what a node wants to have of a purse's window, or of a level.
type Claim struct {
	Pot    *Pot
	Window int64
	Seq    int64 // grows with every claim of this node, pot and window, over restarts too; a node begins with microseconds since 1970
	Total  int64 // granted from the window's beginning on, what is spent included
	Force  bool  // it is spent already: it is granted even where nothing is left
	// Ends is when a purse's window may be forgotten; zero = never.
	Ends time.Time
	// Lease is after how long the claim of a level is void unless it is renewed.
	Lease time.Duration
}

// Ask is what a node wants of a bucket.
type Ask struct {
	Pot *Pot
	N   int64 // for use at once
	// More is wanted beyond N, to be used within Keep. It is granted only where the bucket's promise holds whenever it is used.
	More int64
	Keep time.Duration
	// Back was taken before, at Taken or later, and has not been used. As much of it comes back as a bucket that it was never
	// taken from would have now. Taken is what Granted said.
	Back, Taken int64
}

// Granted is what a node gets, and what stays.
type Granted struct {
	N     int64 // of a claim, in all
	Left  int64 // never negative
	Seq   int64 // of a claim: the last one that counted
	At    int64 // of an ask: when that was, in microseconds by the store's clock
	Nodes int64 // of a claim: how many nodes have something of the pot's window, or of a level want more than they got
}
