package engine

import (
	"bytes"
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
)

// Some dialects' files of requests say neither model nor endpoint: the batch that is made of them does. Such a file goes to a
// provider as it is, once its form is right, and its requests are judged when a batch names it: then the gateway reads it back.

// takeLate reads a file whose requests are judged later, and finds who takes it.
func (c *call) takeLate(b dialect.Batcher, file []byte) (*batchFile, error) {
	f := &batchFile{file: file, places: c.s.Places}
	for _, err := range b.Lines(&dialect.Call{}, file) {
		if err != nil {
			return nil, err
		}
		f.lines++
	}
	var all []string
	for name, p := range c.s.Places {
		if speaks(p, llm.OpBatch, b.Name()) && speaks(p, llm.OpFile, b.Files()) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	if name := c.s.Defaults[b.Files()]; slices.Contains(all, name) {
		all = []string{name}
	}
	switch len(all) {
	case 1:
		f.providers = all
		return f, nil
	case 0:
		return nil, fault.New(fault.NotFound, "no provider here takes such a file: it must speak %s and %s; files for others say method and url in each line", b.Name(), b.Files())
	}
	return nil, fault.New(fault.NotFound, "more than one provider here takes such a file (%s), and nothing says which is meant; whoever runs this gateway can write `defaults: { %s: %s }`",
		bounded(strings.Join(all, ", "), 500), b.Files(), all[0])
}

// lateTime is how long a provider may take to give a file of requests back.
const lateTime = time.Minute

// judgeLate judges the requests of a file that a call names, and notes in it what they ask for. The file stays as it is: a
// request that its provider would have to get with something changed is refused.
func (c *call) judgeLate(b dialect.Batcher, file *gateway.Thing) error {
	provider := file.Target.Provider
	ctx, cancel := context.WithTimeout(c.r.Context(), lateTime)
	defer cancel()
	resp, err := fetch(ctx, c.s.Places[provider], errand{b.Files(), llm.OpFile, http.MethodGet, "/v1/files/" + url.PathEscape(file.Native) + "/content"})
	var content []byte
	if err == nil {
		content, err = readSome(resp.Body, c.s.MaxBody)
		_ = resp.Body.Close()
	}
	if err != nil {
		f := fault.New(fault.Unavailable, "the file %s cannot be read back from the provider %s", file.ID, provider)
		f.Cause = err
		return f
	}
	f, err := c.admitBatch(b, &c.in, content)
	if err != nil {
		return err
	}
	if !slices.Contains(f.providers, provider) {
		return refusal("model", "the file is kept by the provider "+provider+", which does not serve the model: name another model, or send the requests in the body")
	}
	written, err := f.write(nil, provider)
	if err != nil {
		return err
	}
	if !bytes.Equal(written, content) {
		line := 1 + bytes.Count(content[:firstChange(written, content)], []byte{'\n'})
		l := dialect.Line{Number: line}
		return l.Wrong("the provider calls its model otherwise, or its output is limited here, and a file stays as it was sent: name the model beside input_files alone and give max_tokens within the limit, or send the requests in the body")
	}
	file.Asked, file.Lines = f.asked(provider), f.lines
	return nil
}

// firstChange is where two texts differ first.
func firstChange(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
