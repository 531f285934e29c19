package openaichat

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := &requestEncoder{req: req, facts: facts, own: req.From == llm.OpenAIChat}
	if _, ok := req.Extra["thread"]; ok && req.From == llm.AnthropicMessages {
		// Its next turn would send what is new only. Refused with this code, the SDK sends the whole conversation instead.
		f := fault.New(fault.Unsupported, "the conversation of a thread is not kept here; send it whole")
		f.Param, f.Code = "thread", "thread_unsupported_request"
		return dialect.Call{}, nil, f
	}
	e.w.Buf = dialect.Room(req)
	e.w.Open('{')
	e.w.Name("model").String(facts.Model)
	if err := e.messages(); err != nil {
		return dialect.Call{}, nil, err
	}
	e.tools()
	e.output()
	e.sampling()
	e.reasoning()
	e.limits()
	e.account()
	if e.own {
		openai.WriteExtra(&e.w, req.Extra, "stream_options")
	} else {
		e.foreign(req.Extra, "")
	}
	e.w.Close('}')
	call := dialect.Call{Op: llm.OpChat, Path: Path, Body: e.w.Buf}
	return call, e.losses, nil
}

type requestEncoder struct {
	req    *llm.Request
	facts  llm.Facts
	own    bool // the request is of this dialect
	w      rawjson.Writer
	losses []llm.Loss

	calls []calledTool // written so far, for the names of results
	list  []llm.Tool   // what is offered
	last  bool         // the turn at hand is the last
}

func (e *requestEncoder) lose(path, why string, grade llm.Grade) {
	for i := range e.losses {
		if e.losses[i].Path == path {
			e.losses[i].Grade = max(e.losses[i].Grade, grade)
			return
		}
	}
	e.losses = append(e.losses, llm.Loss{Path: path, Why: why, Grade: grade})
}

// drop names a member of the request lost; the client's own word for it is looked up.
func (e *requestEncoder) drop(name, why string) { e.lose(e.word(name), why, llm.Dropped) }

// foreign names members of another dialect lost.
func (e *requestEncoder) foreign(x llm.Extra, holder string) {
	for _, name := range dialect.Names(x) {
		e.lose(dialect.MemberPath(holder, name), "a member of another dialect", llm.Dropped)
	}
}

// word returns the client's word for a member.
func (e *requestEncoder) word(name string) string { return dialect.Word(e.req.From, name) }

// has reports whether the target has a quirk that matters to this request: what is of this dialect goes back as it was.
func (e *requestEncoder) has(q llm.Quirk) bool { return !e.own && e.facts.Quirks.Has(q) }

const noPlace = "chat has no place for it"
