package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// check holds the document to what spans several members. A member that was refused already is not refused again: it is
// asked whether it stands in the document, not what it holds.
func (d *decoder) check() {
	d.checkListen()
	providers := map[string]bool{}
	var names []string
	for i := range d.doc.Providers {
		p := &d.doc.Providers[i]
		if providers[p.Name] = true; p.Name != "" {
			names = append(names, p.Name)
		}
		d.checkProvider(p)
	}
	models := map[string]bool{}
	for i := range d.doc.Models {
		m := &d.doc.Models[i]
		models[m.Name] = true
		path := join("models", m.Name)
		if m.Name == "" {
			continue // its name was refused, so its path is not known
		}
		if d.has(path+".targets") && len(m.Targets) == 0 && d.isEmpty(path+".targets") {
			d.wrong(path+".targets", "a model needs at least one target", "write `targets: [{ provider: NAME, model: MODEL }]`")
		}
		for j := range m.Targets {
			at := fmt.Sprintf("%s.targets[%d].provider", path, j)
			if d.known(at) && m.Targets[j].Provider != "" && !providers[m.Targets[j].Provider] {
				d.noProvider(at, m.Targets[j].Provider, names)
			}
		}
	}
	for _, one := range [...]struct{ member, name string }{{"openai-files", d.doc.Defaults.OpenAIFiles}, {"anthropic-files", d.doc.Defaults.AnthropicFiles}, {"gemini-files", d.doc.Defaults.GeminiFiles}} {
		if at := "defaults." + one.member; one.name != "" && d.known(at) && !providers[one.name] {
			d.noProvider(at, one.name, names)
		}
	}
	d.checkKeys(models, providers)
	d.checkOwners(models, providers)
}

// wrong reports a problem where a path stands.
func (d *decoder) wrong(path, message, hint string) {
	at := position{1, 1}
	if n := d.nodes[path]; n != nil {
		at = n.at
	}
	d.src.report(at, path, message, hint)
}

// isEmpty reports whether a path holds nothing or an empty list.
func (d *decoder) isEmpty(path string) bool {
	n := d.nodes[path]
	for n.shape == alias {
		n = n.target
	}
	return n.shape == nothing || n.shape == sequence && len(n.items) == 0
}

func (d *decoder) noProvider(path, name string, names []string) {
	if len(names) == 0 {
		if len(d.src.errs.All) == 0 {
			d.wrong(path, "no provider is called `"+name+"`", "the document has no `providers`")
		}
		return
	}
	hint := didYouMean(name, names)
	if hint == "" {
		hint = "providers of this document are " + list(names[:min(len(names), 10)])
	}
	d.wrong(path, "no provider is called `"+name+"`", hint)
}

func (d *decoder) checkListen() {
	const long = "node.listen.data.address"
	n := &d.doc.Node.Listen
	if d.has("listen") {
		if d.has(long) {
			d.wrong("listen", "`listen` and `"+long+"` say the same thing", "keep one of them")
		} else {
			d.note(long, d.nodes["listen"])
			n.Data.Address = d.doc.Listen
		}
	}
	if a := n.Metrics.Address; a != "" && a == n.Data.Address && d.known("node.listen.metrics.address") && !strings.HasSuffix(a, ":0") {
		d.wrong("node.listen.metrics.address", "applications already connect to "+a, "take another port")
	}
	tls := "node.listen.data.tls"
	cert, key := d.has(tls+".cert"), d.has(tls+".key")
	if d.has(tls) && cert != key {
		d.wrong(tls, "a certificate and its key belong together", "give both `cert` and `key`")
	}
}

func (d *decoder) checkProvider(p *Provider) {
	if p.Name == "" {
		return
	}
	path := join("providers", p.Name)
	d.checkPrices(p, path)
	entry := p.Catalog
	if !d.has(path + ".catalog") {
		entry = p.Name
	}
	listed := entry != "" && d.opt.Catalog != nil && d.opt.Catalog(entry)
	url, speaks := d.has(path+".base_url"), d.has(path+".speaks")
	missing := "`base_url` is"
	switch {
	case !url && !speaks:
		missing = "`base_url` and `speaks` are"
	case url:
		missing = "`speaks` is"
	}
	switch {
	case listed:
	case d.has(path + ".catalog"):
		if d.known(path+".catalog") && entry != "" {
			d.wrong(path+".catalog", "the catalog has no `"+entry+"`", "take it out and give `base_url` and `speaks`")
		}
	case !url || !speaks:
		d.wrong(path, "the catalog has no `"+entry+"`, and "+missing+" not given",
			"give `base_url` and `speaks`, or name a catalog entry with `catalog`")
	}
	if at := path + ".speaks"; speaks && len(p.Speaks) == 0 && d.isEmpty(at) {
		d.wrong(at, "a provider speaks at least one dialect", "write `speaks: [openai-chat]`")
	}
	if at := path + ".auth"; p.Auth == "aws" && !d.has(path+".region") {
		d.wrong(at, "requests are signed for a region, and none is given", "write `region: eu-central-1`, or send a Bedrock API key: `api_key` without `auth`")
	}
	if p.Auth == "google" && !(d.has(path+".region") && d.has(path+".project")) {
		d.wrong(path+".auth", "Vertex AI is asked by project and region, and they are not both given", "write `project: NAME` and `region: europe-west4` (or `global`)")
	}
	if at := path + ".api_key"; p.Auth == "aws" && d.has(at) {
		d.wrong(at, "a key is given, but `auth` is `aws`, which signs with AWS credentials", "take one of them out: a Bedrock API key is sent without `auth`")
	}
	if at := path + ".api_key"; p.Auth == "none" && d.has(at) {
		d.wrong(at, "a key is given, but `auth` is `none`", "take one of them out")
	}
}

const leastKey = 16 // characters of a key

func (d *decoder) checkKeys(models, providers map[string]bool) {
	names, hashes := map[string]int{}, map[string]int{}
	for i := range d.doc.Keys {
		k := &d.doc.Keys[i]
		path := keyPath(i)
		if at := path + ".name"; k.Name != "" && d.known(at) {
			if first, ok := names[k.Name]; ok {
				d.wrong(at, "another key is called `"+k.Name+"`", fmt.Sprintf("it stands in line %d", d.line(fmt.Sprintf("keys[%d]", first))))
			} else {
				names[k.Name] = i
			}
		}
		d.checkKey(k, i, path, hashes)
		d.checkModels(path, k.Models, models, providers)
	}
}

func (d *decoder) checkKey(k *Key, i int, path string, hashes map[string]int) {
	key, hash := path+".key", path+".hash"
	at, sum := hash, k.Hash
	switch {
	case d.has(key) && d.has(hash):
		d.wrong(hash, "`key` and `hash` are both given", "keep one of them")
		return
	case !d.has(key) && !d.has(hash):
		if n := d.nodes[path]; n != nil && (n.shape == mapping || n.shape == alias) {
			d.wrong(path, "a key needs `key` or `hash`", "give the key itself, or its SHA-256 as `hash`")
		}
		return
	case d.has(key):
		v := k.Key.Reveal()
		if v == "" || d.passedOver(key) {
			return
		}
		if len(v) < leastKey {
			d.wrong(key, fmt.Sprintf("a key has at least %d characters, this one has %d", leastKey, len(v)), "a long random one, as `openssl rand -hex 24` gives")
			return
		}
		digest := sha256.Sum256([]byte(v))
		at, sum = key, "sha256:"+hex.EncodeToString(digest[:])
	case !d.known(hash):
		return
	}
	if sum == "" {
		return
	}
	if first, ok := hashes[sum]; ok {
		d.wrong(at, fmt.Sprintf("this is the key of keys[%d] too", first), "each key stands once")
		return
	}
	hashes[sum] = i
}

// passedOver reports whether a secret is a placeholder, from whichever of its sources.
func (d *decoder) passedOver(path string) bool {
	return !d.known(path) || d.has(path+".env") && !d.known(path+".env") || d.has(path+".file") && !d.known(path+".file")
}

func (d *decoder) noModel(path, name string) {
	var names []string
	for i := range d.doc.Models {
		names = append(names, d.doc.Models[i].Name)
	}
	hint := didYouMean(name, names)
	if hint == "" {
		hint = "a name under `models`, PROVIDER/MODEL with a provider of this document, or a pattern with `*`"
	}
	d.wrong(path, "no model is called `"+name+"`", hint)
}

func (d *decoder) line(path string) int {
	if n := d.nodes[path]; n != nil {
		return n.at.line
	}
	return 0
}
