// Package policy holds what policies share: the scopes of the document that rules stand at, what exchanges are told apart
// by within one, and the names that pots have for ever.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"weir/internal/gateway"
)

// Scope is a place of the document that rules stand at: the whole, or one organisation, team, project, user, key, model
// or provider. The zero Scope is the whole.
type Scope struct {
	Of   gateway.Field
	Name string
}

// String names the scope for a person: "team shop".
func (s Scope) String() string {
	if s.Of == "" {
		return "the gateway"
	}
	return string(s.Of) + " " + s.Name
}

// Own reports whether all who are in the scope are of one house with the caller, so that it may be told what is left there.
func (s Scope) Own() bool {
	switch s.Of {
	case gateway.ByOrganisation, gateway.ByTeam, gateway.ByProject, gateway.ByUser, gateway.ByKey:
		return true
	}
	return false
}

// Append writes the scope as pots' names have it: team/shop, or whole.
func (s Scope) Append(dst []byte) []byte {
	if s.Of == "" {
		return append(dst, "whole"...)
	}
	return Escape(append(append(dst, s.Of...), '/'), s.Name)
}

// scopes are what a Scoped looks through, the narrowest first: who is over a limit of its own learns of that one, and has
// taken nothing of what others share.
var scopes = [...]gateway.Field{
	gateway.ByKey, gateway.ByUser, gateway.ByProject, gateway.ByTeam, gateway.ByOrganisation, gateway.ByModel, "", gateway.ByProvider,
}

// Scopes is how many scopes an exchange is in at most.
const Scopes = len(scopes)

// Scoped keeps what stands at scopes. It is immutable once the first exchange has asked. Nothing in it grows with the keys
// there are, only with those that have something of their own.
type Scoped[T any] struct{ at [Scopes]map[string]*T }

// At returns what stands at a scope, at first the zero value.
func (s *Scoped[T]) At(scope Scope) *T {
	for i, of := range scopes {
		if of != scope.Of {
			continue
		}
		if s.at[i] == nil {
			s.at[i] = map[string]*T{}
		}
		if s.at[i][scope.Name] == nil {
			s.at[i][scope.Name] = new(T)
		}
		return s.at[i][scope.Name]
	}
	panic("policy: no scope is " + string(scope.Of))
}

// Of fills in what stands at the scopes that an exchange is in, and returns how many there are. Before there is a target
// its provider is "".
func (s *Scoped[T]) Of(x *gateway.Exchange, provider string, into *[Scopes]*T) int {
	var a gateway.Account
	if x.Grant != nil {
		a = x.Grant.Account
	}
	names := [Scopes]string{a.Key, a.User, a.Project, a.Team, a.Organisation, x.Plan.Rule, "", provider}
	n := 0
	for i := range s.at {
		if len(s.at[i]) == 0 || names[i] == "" && scopes[i] != "" {
			continue
		}
		if t := s.at[i][names[i]]; t != nil {
			into[n] = t
			n++
		}
	}
	return n
}

// By is what exchanges are told apart by within a scope.
type By struct {
	Field gateway.Field
	Tag   string // of ByTag: whose values
}

// String returns it as the document has it.
func (b By) String() string {
	if b.Field == gateway.ByTag {
		return "tag:" + b.Tag
	}
	return string(b.Field)
}

// ParseBy reads what String wrote.
func ParseBy(s string) (By, bool) {
	if tag, ok := strings.CutPrefix(s, "tag:"); ok {
		return By{gateway.ByTag, tag}, tag != ""
	}
	f := gateway.Field(s)
	return By{Field: f}, slices.Contains(apart, f)
}

// apart are the fields that exchanges are told apart by, beside tags.
var apart = []gateway.Field{
	gateway.ByOrganisation, gateway.ByTeam, gateway.ByProject, gateway.ByUser, gateway.ByKey, gateway.ByModel, gateway.ByProvider,
	gateway.BySession, gateway.ByEndUser,
}

// Order puts a list into the one order that names have, however it was written.
func Order(by []By) {
	slices.SortFunc(by, func(a, b By) int { return strings.Compare(a.String(), b.String()) })
}

// Value returns an exchange's value; "" is one too: it is of all those who name none.
func (b By) Value(x *gateway.Exchange, provider string) string {
	var a gateway.Account
	if x.Grant != nil {
		a = x.Grant.Account
	}
	switch b.Field {
	case gateway.ByOrganisation:
		return a.Organisation
	case gateway.ByTeam:
		return a.Team
	case gateway.ByProject:
		return a.Project
	case gateway.ByUser:
		return a.User
	case gateway.ByKey:
		return a.Key
	case gateway.ByModel:
		if x.Plan.Rule != "" && !strings.HasSuffix(x.Plan.Rule, "/*") {
			return x.Plan.Rule
		}
		return x.Head.Model
	case gateway.ByProvider:
		return provider
	case gateway.BySession:
		return x.Session
	case gateway.ByEndUser:
		return x.EndUser
	case gateway.ByTag:
		for _, t := range x.Tags {
			if rest, ok := strings.CutPrefix(t, b.Tag); ok && strings.HasPrefix(rest, "=") {
				return rest[1:]
			}
		}
	}
	return ""
}

// AppendValues writes an exchange's values as pots' names have them: user=ada,model=gpt-5.
func AppendValues(dst []byte, by []By, x *gateway.Exchange, provider string) []byte {
	for i, b := range by {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.Field...)
		if b.Field == gateway.ByTag {
			dst = Escape(append(dst, ':'), b.Tag)
		}
		dst = Escape(append(dst, '='), b.Value(x, provider))
	}
	return dst
}

// longest is how long a value may be to stand in a name; of a longer one its hash does.
const longest = 64

// Escape appends a value to a name so that two names are the same only if all their values are.
func Escape(dst []byte, s string) []byte {
	if len(s) > longest {
		sum := sha256.Sum256([]byte(s))
		return hex.AppendEncode(append(dst, '~'), sum[:16])
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._@+:-", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		const digits = "0123456789ABCDEF"
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}

// Cache remembers what was made for names that come from exchanges. It is bounded: a part that is full is forgotten whole,
// and what is asked for again is made again. The zero value is ready; it is safe for concurrent use.
type Cache[T any] struct {
	seed  maphash.Seed
	once  sync.Once
	parts [16]cachePart[T]
}

type cachePart[T any] struct {
	mu sync.RWMutex // guards of; writers only make what is new
	of map[string]*T
}

// partMost is how many names a part of a cache holds.
const partMost = 2048

// Get returns what is kept for a name, or has it made. made may be called by several at once for one name; one of the results
// is kept and returned to all.
func (c *Cache[T]) Get(name []byte, made func(name string) *T) *T {
	c.once.Do(func() { c.seed = maphash.MakeSeed() })
	p := &c.parts[maphash.Bytes(c.seed, name)%uint64(len(c.parts))]
	p.mu.RLock()
	t := p.of[string(name)]
	p.mu.RUnlock()
	if t != nil {
		return t
	}
	fresh := made(string(name))
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.of[string(name)]; t != nil {
		return t
	}
	if p.of == nil || len(p.of) >= partMost {
		p.of = map[string]*T{}
	}
	p.of[string(name)] = fresh
	return fresh
}

// Find returns what is kept for a name, nil if nothing is.
func (c *Cache[T]) Find(name string) *T {
	c.once.Do(func() { c.seed = maphash.MakeSeed() })
	p := &c.parts[maphash.String(c.seed, name)%uint64(len(c.parts))]
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.of[name]
}
