package dialect

import (
	"net/http"
	"net/url"
)

// Addressed is implemented by dialects of things whose objects hold addresses beside ids, and stand elsewhere than their
// calls do.
type Addressed interface {
	// PathOf returns where a thing is asked for by its id, which is the provider's.
	PathOf(id string) string
	// Object returns the thing's object in an answer.
	Object(answer []byte) []byte
	// Address returns the provider's address of a thing, "" where its object tells none.
	Address(object []byte) string
	// Rename appends an answer to dst in which the thing's id is what rename returns for it, and addresses are at host.
	Rename(dst, answer []byte, host string, rename func(m *ThingMember, id string) string) []byte
}

// Resumer is implemented by dialects in which a file can be uploaded in parts: a first call begins the upload and is answered
// with an address, to which the parts go. Nothing is known of an upload but what its address says.
type Resumer interface {
	// Begins reports whether a call begins an upload in parts, by its headers.
	Begins(http.Header) bool
	// Begin reads such a call: how many bytes will come, -1 where it does not say. The error is a *fault.Fault (Malformed).
	Begin(*Call) (size int64, err error)
	// Session returns the address of the provider's that the answer to it tells, "" for none.
	Session(http.Header) string
	// Where returns path, which is escaped, and query of that address, behind the dialect's root.
	Where(session string) (path, query string, err error)
	// Readdress puts the gateway's own address, with this id, into the headers of an answer.
	Readdress(h http.Header, host, id string)
	// Resumed reads the id off the query of a call to the gateway's address; false where it is none.
	Resumed(url.Values) (id string, ok bool)
	// Part reads such a call: from which byte on it brings some, -1 where it brings none.
	Part(http.Header) (from int64, err error)
	// Made reports whether the answer says that the file is whole.
	Made(http.Header) bool
}
