// Package tokens counts what no provider has counted: what a conversation comes to before it is sent, and what was
// answered where an answer ended without a statement of it. Such a number is an estimate and says so wherever it is shown.
//
// A text is cut by byte-pair encoding. For OpenAI's models that is their own, o200k_base or cl100k_base; of other makers
// the vocabulary is not public or not free, and theirs is taken to be o200k_base's number times a ratio. Beside the text a
// model reads what its maker puts around turns, tools and calls. Ratio and surroundings are figures of a family of models
// (Families), fitted on recorded exchanges, which Learned corrects per provider and model by every usage that was stated.
//
// The vocabularies are in the program (7 MB) and take 5 MB of memory each from their first use on, which takes some 50 ms. An
// estimate looks at some 16 KB of a conversation, spread evenly, and takes the rest to be alike, so that its time is
// bounded: below a millisecond for most, and for what no language writes a few of them.
//
// Bound is another thing: a number that is never below what the provider will count, for money that is held. It counts
// bytes, since no token is shorter than one.
package tokens
