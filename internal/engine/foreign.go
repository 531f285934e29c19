package engine

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// All keys share a provider's credential, so whoever knows the id of a file there could have it read, whoever's it is. Where a
// provider keeps files for keys, a call may therefore name only what its own key has uploaded (providers.X.files: own).

// mention is a member of a body that names what a provider keeps and that is none of the caller's references.
type mention struct {
	id   string
	at   int    // where the name of it stands
	host string // of an address; "" = it is an id
	many bool   // it stands for all those beyond what is looked at
}

// own takes the targets out of the plan whose provider would read a file that is not known to be the key's, and refuses the
// exchange where none is left. The plan's own list of targets is shared and stays as it is.
func (c *call) own() error {
	plan := &c.x.Plan
	if !slices.ContainsFunc(plan.Targets, func(t gateway.Target) bool { return c.ownFiles(t) }) {
		return nil
	}
	found := c.mentions(c.in.Body, c.refs, plan.Targets)
	if len(found) == 0 {
		return nil
	}
	var left []gateway.Target
	var first *fault.Fault
	for _, t := range plan.Targets {
		f := c.foreign(found, t, c.in.Body)
		if f == nil {
			left = append(left, t)
			continue
		}
		if first == nil {
			first = f
		}
		plan.PassedOver = append(plan.PassedOver, gateway.Candidate{Target: t, Why: "a file that the request names is not one that the key uploaded here"})
	}
	if left == nil {
		return first
	}
	plan.Targets, plan.Tries = left, min(max(plan.Tries, 1), len(left))
	return nil
}

// ownFiles reports whether a target's provider is asked for a key's own files alone.
func (c *call) ownFiles(t gateway.Target) bool {
	place := c.s.Places[t.Provider]
	return place != nil && place.OwnFiles
}

// wrongTo looks through a body that was written anew for a target: an address of a file may stand there that was the
// address of an image in the client's words.
func (c *call) wrongTo(t *try) *fault.Fault {
	if t.a.Mode != gateway.Translated || !t.place.OwnFiles {
		return nil
	}
	f := c.wrongIn(t, t.call.Body)
	for i := 0; f == nil && i < len(t.more); i++ {
		f = c.wrongIn(t, t.more[i].Body)
	}
	return f
}

func (c *call) wrongIn(t *try, body []byte) *fault.Fault {
	if !mentionsAny(body, t.place.FilesHost != "") {
		return nil
	}
	found := c.mentions(body, c.refs, []gateway.Target{t.a.Target})
	for i := range found { // paths are those of the client's body
		found[i].at = max(0, bytes.Index(c.in.Body, rawjson.AppendString(nil, found[i].id)))
	}
	return c.foreign(found, t.a.Target, c.in.Body)
}

// foreign returns the fault of the first mention that a target's provider may not be asked for.
func (c *call) foreign(found []mention, t gateway.Target, body []byte) *fault.Fault {
	place := c.s.Places[t.Provider]
	if place == nil || !place.OwnFiles {
		return nil
	}
	for i := range found {
		m := &found[i]
		if m.host != "" && (place.FilesHost == "" || m.host != place.FilesHost && !googleFiles(m.host)) || !m.many && c.uploadedTo(place, m.id) {
			continue
		}
		f := fault.New(fault.NotFound, "no such file here for this key: %s; upload it here and name it by the id that you get. Whoever runs this gateway can let every key name what is at the provider %s: `files: any` under providers.%s",
			bounded(m.id, 200), t.Provider, t.Provider)
		if m.many {
			f.Message = "the request names more files than are looked at here; name fewer at a time"
		}
		f.Param, f.Code = pathAt(body, m.at), "not_found"
		return f
	}
	return nil
}

// uploadedTo reports whether a provider's own id is of a file that the key uploaded here: an answer may have told it.
func (c *call) uploadedTo(place *Place, id string) bool {
	if c.e.things == nil {
		return false
	}
	native := id
	for _, one := range [...]struct {
		dialect llm.Dialect
		prefix  string
	}{{llm.OpenAIFiles, "file-"}, {llm.AnthropicFiles, "file_"}, {llm.GeminiFiles, "files/"}} {
		if one.dialect == llm.GeminiFiles {
			native = one.prefix + id[strings.LastIndexByte(id, '/')+1:]
		}
		own := c.e.things.Name(c.x.Grant.Key, one.prefix, llm.ThingFile, place.Provider.Name(), native)
		if t, ok := c.e.things.Get(c.x.Grant.Key, own); ok && t.Dialect == one.dialect {
			return true
		}
	}
	return false
}

// mentions returns what a body names, but for refs, which are the caller's. A body with nothing of the kind is looked through once
// for the names of such members.
func (c *call) mentions(body []byte, refs []reference, targets []gateway.Target) []mention {
	var hosts []string
	for _, t := range targets {
		if p := c.s.Places[t.Provider]; p != nil && p.OwnFiles && p.FilesHost != "" {
			hosts = append(hosts, p.FilesHost)
		}
	}
	if rawjson.Kind(body) != '{' || !mentionsAny(body, hosts != nil) {
		return nil
	}
	var found []mention
	for w := (walker{body: body}); w.next(); {
		m := mention{id: w.id, at: w.at}
		if w.kind != namesID {
			var is bool
			if m.host, is = addressed(w.id, w.kind, hosts); !is {
				continue
			}
		}
		if m.id == "" || slices.ContainsFunc(refs, func(r reference) bool { return r.said == m.id }) || slices.ContainsFunc(found, func(o mention) bool { return o.id == m.id }) {
			continue
		}
		if len(found) == refsMost {
			m.many = true
			return append(found, m)
		}
		found = append(found, m)
	}
	return found
}

// addressed tells whether a text is the address of a file that a provider keeps, and at which host. What is no address of the
// web is one, where only the address of a file can stand.
func addressed(text string, kind naming, hosts []string) (host string, is bool) {
	if len(text) >= 5 && strings.EqualFold(text[:5], "data:") {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Host == "" && u.Scheme != "": // whatever others read in it
		return "", kind == namesFile || strings.Contains(strings.ToLower(text), "googleapis")
	case u.Host == "":
		return "", kind == namesFile || strings.HasPrefix(strings.TrimLeft(u.Path, "/"), "files/")
	}
	host = strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return host, slices.Contains(hosts, host) && strings.Contains(u.Path, "files/") || googleFiles(host)
}

// googleFiles reports whether a host is one where files of Gemini have their addresses.
func googleFiles(host string) bool {
	return strings.HasSuffix(host, "generativelanguage.googleapis.com")
}
