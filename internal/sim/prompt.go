package sim

const (
	// aroundPrompt is how many tokens a prompt has beside its contents.
	aroundPrompt = 8
	// leastCached is the shortest prompt that a provider which caches without being asked keeps; what it reads is a
	// multiple of cacheStep.
	leastCached = 1024
	cacheStep   = 128
)

// A prompt counts the same in every dialect: its texts, calls and results by their letters, its media by the piece, the
// thoughts of earlier turns not at all. The methods named take add what they are given to the prompt as it is cached,
// so they are called in the order tools, system, messages.

func (q *question) takeText(s string) { q.prompt.add(plainText(s), tokens(len(s))) }

func (q *question) takeMedia(raw []byte) { q.prompt.add(raw, mediaTokens) }

func (q *question) takeCall(name, args string) {
	q.prompt.add([]byte(name+"\x00"+args), callTokens(name, args))
}

func (q *question) takeResult(text string) {
	q.prompt.add(append([]byte("result\x00"), text...), tokens(len(text)))
}

func (q *question) takeTool(name, description string, schema []byte) {
	q.prompt.add([]byte(name+"\x00"+description+"\x00"+string(schema)), toolTokens(name, description, schema))
}

func callTokens(name, args string) int64 { return tokens(len(name) + len(args)) }

func toolTokens(name, description string, schema []byte) int64 {
	return tokens(len(name) + len(description) + len(schema))
}

// size returns how many tokens the prompt has.
func (q *question) size() int64 { return q.prompt.total + aroundPrompt }

// readCached looks the prompt up in the cache of a provider that keeps every long prompt, and keeps it. It returns how
// many tokens were read from there.
func (x *exchange) readCached(q *question) int64 {
	if q.size() < leastCached {
		return 0
	}
	for i := range q.prompt.boundaries {
		if b := &q.prompt.boundaries[i]; b.tokens >= leastCached || i == len(q.prompt.boundaries)-1 {
			b.keep = shortCache
		}
	}
	read := x.p.cache.use(x.face.name+" "+q.model.ID, &q.prompt, x.now).read
	return read / cacheStep * cacheStep
}
