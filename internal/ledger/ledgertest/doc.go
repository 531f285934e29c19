// Package ledgertest has no code: its tests kill processes that keep a ledger in front of a real store, and look at what is
// in the store after that.
package ledgertest
