package dialecttest

import (
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// tolerance is a difference that is none: the same is said in another way, or nothing is said by both.
type tolerance struct {
	what string
	why  string
	// apply makes the fact what it is compared as, or tells that it is not compared at all. nil = the comparison itself
	// does it, where what says.
	apply func(*fact) (drop bool)
}

// tolerances are all there are.
var tolerances = []tolerance{
	{"the model's name", "the route chooses it", is("model")},
	{"when an answer was made", "only some dialects say; the gateway fills in its own clock", is("created")},
	{"the provider's own word for a stop", "its meaning is compared", is("stop.native")},
	{"empty texts", "some dialects refuse them, and they say nothing", func(f *fact) bool { return f.text && f.value == "" }},
	{"developer is system", "dialects without a developer call it system", func(f *fact) bool {
		if kind, ok := strings.CutSuffix(f.kind, ".developer"); ok {
			f.kind = kind + ".system"
		}
		return false
	}},
	{"the name of instructions", "it says where a system turn stood, not who speaks", equal("name", "system instructions")},
	{"texts of a role are joined or split", "turns are merged, and citations split texts; a text must be found whole in all of them joined", nil},
	{"results before what else a turn says", "dialects want them first, so they keep their order among themselves only", nil},
	{"ids of calls that do not fit", "a fitting one is derived; that results pair with their calls is compared by the calls' number", func(f *fact) bool {
		return f.kind == "call.id" && !fit.MatchString(f.value[strings.LastIndexByte(f.value, ' ')+1:])
	}},
	{"no arguments are {}", "a call without arguments", nil}, // see arguments
	{"white space between the tokens of an answer's arguments", "an event of one line that holds them as an object cannot keep it, and no reader sees it", nil}, // see facts.call
	{"the type of a medium at an address", "only Gemini states one, and the medium's server tells it", nil},                                                     // see facts.medium
	{"strict: false of a tool", "it is the default everywhere", equal("tool.strict", "false")},
	{"tool_choice auto", "it is the default wherever there are tools", equal("choice.mode", "auto")},
	{"no calls where there are no tools, one at a time where there are none", "nothing is called", nil}, // see silent
	{"parallel calls allowed", "it is the default everywhere", equal("choice.parallel", "true")},
	{"the name of an answer's schema", "a label that chat demands; it asks for nothing", is("output.name")},
	{"one answer", "it is the default everywhere", equal("answers", "1")},
	{"text as output", "it is the default everywhere", either(equal("modality", "text"), equal("output.kind", "text"))},
	{"store: false", "what is not kept is not kept", equal("thread.store", "false")},
	{"usage in the stream", "the gateway meters, and gives the client what it asked for", is("want_usage")},
	{"no reasoning", "mode off, effort none and a budget of 0 are one; Messages does not think unless asked to, nor do Claude and the first Nova in Converse, nor Command A in Cohere's", nil}, // see reasoning, silent
	{"words for the standard tier", "default, standard and standard_only are one", func(f *fact) bool {
		if f.kind == "tier" && (f.value == "standard" || f.value == "standard_only") {
			f.value = "default"
		}
		return false
	}},
	{"texts as base64", "a text document is compared by its text", nil}, // see textOf
	{"the word that reasoning came under", "wire detail of chat speakers, kept for their own dialect", nil},
	{"counts that are zero", "stated or not, nothing was counted", nil}, // number leaves them out
	{"members of an answer that are zero, false or empty", "stated or not, they say nothing; a request's say what is wanted", func(f *fact) bool {
		_, v, _ := strings.Cut(f.value, "=")
		return strings.HasPrefix(f.kind, "extra.") && strings.HasPrefix(f.path, "answer.") && nothing([]byte(v))
	}},
	{"ids of items", "they name a place in a conversation that its provider keeps; what stands there is compared", is("item")},
	{"that reasoning is a summary", "its text is compared; a dialect with one kind of reasoning text says no more", is("reasoning.summary")},
	{"detail auto of an image", "it is the default everywhere", func(f *fact) bool {
		return strings.HasSuffix(f.kind, ".detail") && f.value == "auto"
	}},
	{"ids of answers", "Converse's and Ollama's answers have none; the head of the answer names the request", nil},                 // see nameless
	{"strict: true of a schema", "Messages, Gemini, Converse, Cohere and Ollama keep to a schema always, and so say nothing", nil}, // see silent
	{"order within a stream", "pieces come in order, but an SDK joins them by member: a loss may be declared", nil},                // see StreamProblems
	{"events that no part holds", "they are not collected, so their loss is taken at its word where there were some", nil},         // see StreamProblems
}

// fit are the ids of calls that every dialect takes.
var fit = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func is(kinds ...string) func(*fact) bool {
	return func(f *fact) bool {
		return slices.Contains(kinds, f.kind)
	}
}

func equal(kind, value string) func(*fact) bool {
	return func(f *fact) bool { return f.kind == kind && f.value == value }
}

func either(all ...func(*fact) bool) func(*fact) bool {
	return func(f *fact) bool {
		for _, one := range all {
			if one(f) {
				return true
			}
		}
		return false
	}
}

func arguments(s string) string {
	if strings.TrimSpace(s) == "" {
		return "{}"
	}
	return s
}

// nothing reports whether a JSON value counts nothing: zero, false, empty, or made of such.
func nothing(v []byte) bool {
	switch rawjson.Kind(v) {
	case '{':
		for _, val := range rawjson.Members(v) {
			if !nothing(val) {
				return false
			}
		}
	case '[':
		for _, val := range rawjson.Elems(v) {
			if !nothing(val) {
				return false
			}
		}
	case '0':
		mantissa, _, _ := strings.Cut(strings.ToLower(rawjson.Num(v)), "e")
		return !strings.ContainsAny(mantissa, "123456789")
	case '"':
		return rawjson.Text(v) == ""
	case 't':
		return false
	}
	return true
}
