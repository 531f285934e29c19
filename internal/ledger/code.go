package ledger

import (
	"encoding/binary"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// A record is a byte for the version, one for its kind, and fields. A field is a number and a value: a whole number, or
// bytes with their length. What is empty is not written, and fields that are not known are passed over, so a later version
// may have more of them. It is the encoding of Protocol Buffers, but for lengths that are longer than need be: they are
// filled in once they are known.
const version = 1

// kind is what a record says.
type kind byte

const (
	kindHold  kind = iota + 1 // an entry was opened
	kindEntry                 // this is what it came to
	kindDrop                  // an opened entry came to nothing
)

// The fields of an entry. Numbers are never used for anything else.
const (
	fieldID = iota + 1
	fieldExchange
	fieldAttempt
	fieldNode
	fieldRevision
	fieldAt
	fieldEnded
	fieldState
	fieldEstimated
	fieldPayer
	fieldOrganisation
	fieldTeam
	fieldProject
	fieldUser
	fieldKey
	fieldEndUser
	fieldSession
	fieldTag
	fieldOp
	fieldDialect
	fieldSpoken
	fieldRule
	fieldAsked
	fieldProvider
	fieldTargetModel
	fieldModel
	fieldUpstreamID
	fieldAnswerID
	fieldBatch
	fieldUsage
	fieldItem
	fieldCost
	fieldHeld
	fieldSaved
	fieldPrice
	fieldUnpriced
	fieldCharge
	fieldCorrects
	fieldReason
)

// The fields of an item, of a charge, of usage and of what else a provider said in it.
const (
	itemComponent = iota + 1
	itemAt
	itemUnits
	itemPrice

	chargePot    = 1
	chargeWindow = 2

	usageSaid      = 1
	usageEstimated = 2
	usageCost      = 3
	usageTier      = 4
	usageExtra     = 5
	usageRound     = 6
	usageCounts    = 16 // and those after it, in the order of counts

	extraName  = 1
	extraValue = 2
)

// mostRounds is how deep rounds of usage may lie in each other.
const mostRounds = 8

// counts returns the numbers of usage. What is new goes to the end.
func counts(u *llm.Usage) [19]*int64 {
	return [...]*int64{
		&u.Input, &u.CacheRead, &u.CacheWrite, &u.CacheWrite1h, &u.Output, &u.Reasoning, &u.InputAudio, &u.InputImage,
		&u.OutputAudio, &u.OutputImage, &u.ToolInput, &u.Total, &u.BilledInput, &u.BilledOutput, &u.Searches, &u.Fetches,
		&u.Pages, &u.AnnotatedPages, &u.Heard,
	}
}

// appendEntry appends a record with a whole entry.
func appendEntry(dst []byte, k kind, e *gateway.Entry) []byte {
	dst = append(dst, version, byte(k))
	dst = appendText(dst, fieldID, e.ID)
	dst = appendText(dst, fieldExchange, e.Exchange)
	dst = appendInt(dst, fieldAttempt, int64(e.Attempt))
	dst = appendText(dst, fieldNode, e.Node)
	dst = appendText(dst, fieldRevision, e.Revision)
	dst = appendTime(dst, fieldAt, e.At)
	dst = appendTime(dst, fieldEnded, e.Ended)
	dst = appendText(dst, fieldState, e.State)
	if e.Estimated {
		dst = appendInt(dst, fieldEstimated, 1)
	}
	dst = appendText(dst, fieldPayer, e.Payer)
	dst = appendText(dst, fieldOrganisation, e.Organisation)
	dst = appendText(dst, fieldTeam, e.Team)
	dst = appendText(dst, fieldProject, e.Project)
	dst = appendText(dst, fieldUser, e.User)
	dst = appendText(dst, fieldKey, e.Key)
	dst = appendText(dst, fieldEndUser, e.EndUser)
	dst = appendText(dst, fieldSession, e.Session)
	for _, tag := range e.Tags {
		dst = appendBytes(dst, fieldTag, tag)
	}
	dst = appendText(dst, fieldOp, e.Op)
	dst = appendText(dst, fieldDialect, e.Dialect)
	dst = appendText(dst, fieldSpoken, e.Spoken)
	dst = appendText(dst, fieldRule, e.Rule)
	dst = appendText(dst, fieldAsked, e.Asked)
	dst = appendText(dst, fieldProvider, e.Target.Provider)
	dst = appendText(dst, fieldTargetModel, e.Target.Model)
	dst = appendText(dst, fieldModel, e.Model)
	dst = appendText(dst, fieldUpstreamID, e.UpstreamID)
	dst = appendText(dst, fieldAnswerID, e.AnswerID)
	dst = appendText(dst, fieldBatch, e.Batch)
	if e.Usage != nil {
		dst = appendUsage(dst, fieldUsage, e.Usage, 0)
	}
	for i := range e.Items {
		dst = appendItem(dst, &e.Items[i])
	}
	dst = appendInt(dst, fieldCost, int64(e.Cost))
	dst = appendInt(dst, fieldHeld, int64(e.Held))
	dst = appendInt(dst, fieldSaved, int64(e.Saved))
	dst = appendText(dst, fieldPrice, e.Price)
	dst = appendText(dst, fieldUnpriced, e.Unpriced)
	for i := range e.Charges {
		dst = appendCharge(dst, &e.Charges[i])
	}
	dst = appendText(dst, fieldCorrects, e.Corrects)
	return appendText(dst, fieldReason, e.Reason)
}

// appendDrop appends a record that says that an opened entry came to nothing.
func appendDrop(dst []byte, id string) []byte {
	return appendText(append(dst, version, byte(kindDrop)), fieldID, id)
}

func appendItem(dst []byte, i *gateway.EntryItem) []byte {
	dst, at := open(dst, fieldItem)
	dst = appendText(dst, itemComponent, i.Component)
	dst = appendText(dst, itemAt, i.At)
	dst = appendInt(dst, itemUnits, i.Units)
	dst = appendInt(dst, itemPrice, i.Price)
	return fill(dst, at)
}

func appendCharge(dst []byte, c *gateway.Charge) []byte {
	dst, at := open(dst, fieldCharge)
	dst = appendText(dst, chargePot, c.Pot)
	dst = appendInt(dst, chargeWindow, c.Window)
	return fill(dst, at)
}

func appendUsage(dst []byte, field uint64, u *llm.Usage, depth int) []byte {
	dst, at := open(dst, field)
	dst = appendInt(dst, usageSaid, int64(u.Said))
	dst = appendInt(dst, usageEstimated, int64(u.Estimated))
	dst = appendText(dst, usageCost, u.Cost)
	dst = appendText(dst, usageTier, u.Tier)
	for name, value := range u.Extra {
		var inner int
		dst, inner = open(dst, usageExtra)
		dst = appendText(dst, extraName, name)
		dst = appendBytes(dst, extraValue, value)
		fill(dst, inner)
	}
	if depth < mostRounds {
		for i := range u.Rounds {
			dst = appendUsage(dst, usageRound, &u.Rounds[i], depth+1)
		}
	}
	for i, n := range counts(u) {
		dst = appendInt(dst, usageCounts+uint64(i), *n)
	}
	return fill(dst, at)
}

// The ways in which values are written.
const (
	wireInt   = 0
	wireFixed = 1 // eight bytes; never written
	wireBytes = 2
	wireHalf  = 5 // four bytes; never written
)

func appendText[S ~string](dst []byte, field uint64, s S) []byte {
	if s == "" {
		return dst
	}
	return appendBytes(dst, field, s)
}

func appendBytes[S ~string | ~[]byte](dst []byte, field uint64, s S) []byte {
	dst = binary.AppendUvarint(dst, field<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendInt(dst []byte, field uint64, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, field<<3|wireInt)
	return binary.AppendVarint(dst, n)
}

// appendTime writes seconds and billionths of one; the zone is not kept.
func appendTime(dst []byte, field uint64, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = binary.AppendUvarint(dst, field<<3|wireBytes)
	at := len(dst)
	dst = binary.AppendVarint(append(dst, 0), t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	dst[at] = byte(len(dst) - at - 1) // at most 15
	return dst
}

// open begins a field with others in it; fill says how long it became.
func open(dst []byte, field uint64) (filled []byte, at int) {
	dst = binary.AppendUvarint(dst, field<<3|wireBytes)
	return append(dst, 0x80, 0x80, 0), len(dst)
}

// fill writes a length of three bytes: up to two million, twice as long as a record may be.
func fill(dst []byte, at int) []byte {
	n := min(len(dst)-at-3, 1<<21-1)
	dst[at], dst[at+1], dst[at+2] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)
	return dst
}
