package dialect

import (
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// byClient are the types, and how versioned ones begin, of tools that one dialect defines and its client runs.
var byClient = [...]string{"computer", "local_shell", "apply_patch", "bash_", "text_editor_", "memory_"}

// WhyNotTool says why a tool of another dialect that is no function cannot be offered.
func WhyNotTool(t *llm.Tool) string {
	typ := rawjson.Text(rawjson.Get(t.Raw, "type"))
	client := rawjson.Text(rawjson.Get(t.Raw, "execution")) == "client"
	for _, begins := range byClient {
		client = client || strings.HasPrefix(typ, begins)
	}
	if client {
		return "the client runs this tool, but only models of its own dialect know it"
	}
	return "only its own provider runs this tool"
}
