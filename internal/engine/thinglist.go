package engine

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// listThings answers with the key's own things, as they were last seen.
func (c *call) listThings() error {
	h := c.asking.h
	page, err := h.Page(c.r.URL.Query())
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(c.e.things.List(c.x.Grant.Key, h.Thing()), func(t gateway.Thing) bool {
		return t.Dialect != c.d.Name() || len(t.Object) == 0 || page.Purpose != "" && t.Purpose != page.Purpose
	})
	if page.Ascending {
		slices.Reverse(all)
	}
	find := func(id, param string) (int, error) {
		i := slices.IndexFunc(all, func(t gateway.Thing) bool { return t.ID == id })
		if i < 0 {
			return 0, refusal(param, "there is no "+string(h.Thing())+" "+bounded(id, 200)+" in this list; begin it again without "+param)
		}
		return i, nil
	}
	var more bool
	switch {
	case page.Before != "":
		end, err := find(page.Before, "before_id")
		if err != nil {
			return err
		}
		more, all = end > page.Limit, all[max(0, end-page.Limit):end]
	default:
		if page.After != "" {
			at, err := find(page.After, cmp.Or(page.AfterWord, "after"))
			if err != nil {
				return err
			}
			all = all[at+1:]
		}
		more, all = len(all) > page.Limit, all[:min(page.Limit, len(all))]
	}
	objects := make([][]byte, len(all))
	for i := range all {
		objects[i] = all[i].Object
	}
	c.give(h.List(nil, objects, more))
	return nil
}

// endsOf reads when a thing's provider forgets it, where its object says so.
func endsOf(object []byte) (time.Time, bool) {
	if text := rawjson.Text(rawjson.Get(object, "expirationTime")); text != "" { // Gemini's
		at, err := time.Parse(time.RFC3339Nano, text)
		return at.UTC(), err == nil
	}
	n, ok := rawjson.Int(rawjson.Get(object, "expires_at"))
	if !ok || n <= 0 || n > 1<<36 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// filesOf is the dialect in which files are asked for that another dialect's things name.
func filesOf(d llm.Dialect) llm.Dialect {
	if d == llm.AnthropicFiles || d == llm.GeminiFiles {
		return d
	}
	return llm.OpenAIFiles
}

// noteOthers notes the files that a provider has made for a thing, so that its owner can ask for them.
func (c *call) noteOthers(t *try, others []gateway.Thing) {
	for _, one := range others {
		if _, ok := c.e.things.Get(c.x.Grant.Key, one.ID); ok {
			continue
		}
		one.Owner, one.Target = c.x.Grant.Key, gateway.Target{Provider: t.a.Target.Provider}
		one.Made, one.Parent = c.x.Start, c.asking.thing.ID
		if err := c.e.things.Put(one); err != nil {
			c.x.Unkept = cmp.Or(c.x.Unkept, fault.Of(err))
		}
	}
}

// undoTime is how long the gateway tries to take back what it cannot note.
const undoTime = 10 * time.Second

// undo has a provider forget what was made and cannot be noted, so that it keeps nothing that nobody knows of. It returns
// the fault that the client gets.
func (c *call) undo(t *try, f *fault.Fault) *fault.Fault {
	a := c.asking
	method, path := http.MethodDelete, c.in.Path+"/"+escaped(a.thing.Native)
	if d, ok := c.d.(dialect.Addressed); ok {
		path = d.PathOf(escaped(a.thing.Native))
	}
	if a.h.Thing() == llm.ThingJob {
		method, path = http.MethodPost, path+"/cancel"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), undoTime)
	defer cancel()
	resp, err := fetch(ctx, t.place, errand{c.d.Name(), c.x.Op, method, path})
	if err == nil {
		_ = resp.Body.Close()
		return f
	}
	own := *f
	own.Cause = err // it is left with the provider
	return &own
}

// hide puts the gateway's id in the place of the provider's in an error that passes.
func (a *asking) hide(raw []byte) []byte {
	if a == nil || a.thing.Native == "" || a.thing.ID == "" {
		return raw
	}
	raw = replaceAll(raw, a.thing.Native, a.thing.ID)
	if at := strings.IndexByte(a.thing.Native, '/'); at >= 0 && at+1 < len(a.thing.Native) { // files/ID may go without what stands before it
		raw = replaceAll(raw, a.thing.Native[at+1:], strings.TrimPrefix(a.thing.ID, a.thing.Native[:at+1]))
	}
	return raw
}

// escaped is an id in a path; a slash in it parts segments there too.
func escaped(id string) string { return strings.ReplaceAll(url.PathEscape(id), "%2F", "/") }
