package llm

import "strings"

// ThingKind is what kind of thing a provider keeps for a client under a name.
type ThingKind string

// The kinds of things that providers keep.
const (
	ThingFile  ThingKind = "file"
	ThingBatch ThingKind = "batch"
	ThingJob   ThingKind = "job" // of fine-tuning
)

// ThingTag follows the provider's own prefix in every id of the gateway's own: file-wr1_…, batch_wr1_….
const ThingTag = "wr1_"

// OwnID reports whether an id is the gateway's own: of a thing that the provider keeps to which the request goes. It is
// encoded like one of that provider's, whatever dialect the request came in.
func OwnID(id string) bool { return strings.Contains(id, ThingTag) }
