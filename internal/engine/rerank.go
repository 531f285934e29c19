package engine

import (
	"net/http"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// prepareRerank makes the body of a request to put documents in order in another dialect than the client's.
func (c *call) prepareRerank(t *try) error {
	t.a.Dialect, t.a.Mode = t.up.Name(), gateway.Translated
	if c.rerank == nil {
		r, err := c.d.(dialect.Reranker).DecodeRerank(c.in)
		if err != nil {
			return err
		}
		c.rerank = r
	}
	call, losses, err := t.up.(dialect.Reranker).EncodeRerank(c.rerank, t.place.Facts(t.a.Target.Model))
	if err != nil {
		return err
	}
	return c.encoded(t, call, losses, "application/json")
}

// translateRanking carries an order of documents into the client's dialect.
func (c *call) translateRanking(t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault {
	a, err := t.up.(dialect.Reranker).DecodeRanking(body)
	if err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	a.Else.ID, a.Else.Model = c.x.ID, t.a.Target.Model
	out, losses, err := c.d.(dialect.Reranker).EncodeRanking(c.rerank, a)
	if err != nil {
		return fault.Of(err)
	}
	t.a.Losses = append(t.a.Losses, losses...)
	c.began(t)
	c.answer(t, resp, out)
	c.done(t, reading)
	return nil
}

// nameless finds the one provider that a call without a model can go to, and makes it the direct name of that provider.
func (c *call) nameless() error {
	var found []string
	for name, place := range c.s.Places {
		if slices.Contains(place.Provider.Speaks(c.x.Op), c.d.Name()) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		c.verbatim = true
		c.x.Head.Model = found[0] + "/*"
		return nil
	case 0:
		return fault.New(fault.NotFound, "no provider here speaks %s", c.d.Name())
	}
	how := "name a model"
	if c.d.Name() == llm.TEIClassify {
		how += " in the query (?model=NAME)"
	}
	f := fault.New(fault.NotFound, "the request names no model, and more than one provider speaks %s (%s); %s", c.d.Name(), bounded(strings.Join(found, ", "), 500), how)
	f.Param = "model"
	return f
}
