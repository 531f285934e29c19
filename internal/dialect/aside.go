package dialect

import "weir/internal/llm"

// asides are members of answers and usages that tell of a provider's own running: what build answered, when and how
// fast. No application reads an answer otherwise for them.
var asides = map[string]bool{
	"system_fingerprint": true, "completed_at": true, "created_at": true, "billing": true, "generationId": true, "request_id": true,
	// Latencies, of Converse, Ollama, Groq, llama.cpp and Cerebras.
	"metrics": true, "total_duration": true, "load_duration": true, "prompt_eval_duration": true, "eval_duration": true,
	"x_groq": true, "timings": true, "time_info": true, "prompt_time": true, "completion_time": true, "queue_time": true, "total_time": true,
}

// Weigh returns the grade of the loss of a member of another dialect's answer or usage that has no field.
func Weigh(name string) llm.Grade {
	if asides[name] {
		return llm.Aside
	}
	return llm.Dropped
}

// WeighTier returns the grade of the loss of the tier that served an answer. The ordinary one, whatever it is called, is
// what who asked for none gets, and a dialect without a word for it cannot have asked; of any other the price and the
// service differ.
func WeighTier(tier string) llm.Grade {
	switch tier {
	case "default", "standard", "auto", "on_demand", "on-demand":
		return llm.Aside
	}
	return llm.Dropped
}
