// Package statement is what people read of the ledger: sums, entries, corrections, the closing of a month, and what a
// provider's bill says beside it.
//
// It is pure logic over gateway.Books: questions are read from words, answers are written as tables, JSON or CSV. Entries
// are read as they come and never gathered, so that a ledger of any size is read in the same memory. Amounts are integers
// from the text they are read from to the text they are written as.
//
// What is booked is never changed. A correction is an entry of its own, with differences, at the time of the entry that it
// corrects, so that it counts in the same month and in the same window of a budget.
package statement
