package sim

// Script decides which tools a model calls, where the questions cannot: a client with prompts of its own, such as a
// coding agent, is led through a whole session. It returns the calls to make now, none to answer with a text. Calls of
// tools that are not offered are left out. It is called for every answer and must be safe for concurrent use.
type Script func(Scene) []ScriptCall

// Scene is what a Script is told of a request.
type Scene struct {
	Model   string
	Asked   string         // the text of the last user turn that has one
	Tools   []ScriptTool   // offered, in the order of the request
	Results []ScriptResult // of all calls in the conversation so far, in order
}

// ScriptTool is a tool that is offered.
type ScriptTool struct {
	Name   string
	Free   bool   // it takes free text
	Schema []byte // of what it takes else; shared, not to be changed
}

// ScriptResult is what a call came to.
type ScriptResult struct {
	Tool, Text string
	Failed     bool // as far as the dialect can say
}

// ScriptCall is a call to make. Args is a JSON object, or the free text that a custom tool takes.
type ScriptCall struct{ Tool, Args string }

// scripted returns the calls that the script wants of the i-th answer.
func (q *question) scripted(i int) []call {
	if q.choice.mode == "none" {
		return nil
	}
	asked, _ := q.asked()
	scene := Scene{Model: q.model.ID, Asked: asked}
	free := map[string]bool{}
	for _, t := range q.tools {
		scene.Tools = append(scene.Tools, ScriptTool{t.name, t.free, t.schema})
		free[t.name] = t.free
	}
	for _, t := range q.turns {
		for _, r := range t.results {
			scene.Results = append(scene.Results, ScriptResult{r.name, r.text, r.failed})
		}
	}
	var out []call
	for n, c := range q.script(scene) {
		if isFree, offered := free[c.Tool]; offered {
			out = append(out, call{id: ident(mix(q.seed, uint64(i*1000+n)), 22), name: c.Tool, args: c.Args, free: isFree})
		}
	}
	return out
}
