package compile

import (
	"errors"
	"slices"

	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/llm"
)

// defaults reads which providers calls go to that name no model. One that does not speak the dialect is refused.
func defaults(d *config.Document, places map[string]*engine.Place) (map[llm.Dialect]string, error) {
	out := map[llm.Dialect]string{}
	var problems []error
	for _, one := range [...]struct {
		dialect llm.Dialect
		name    string
	}{{llm.OpenAIFiles, d.Defaults.OpenAIFiles}, {llm.AnthropicFiles, d.Defaults.AnthropicFiles}, {llm.GeminiFiles, d.Defaults.GeminiFiles}} {
		if one.name == "" {
			continue
		}
		path := "defaults." + string(one.dialect)
		place := places[one.name]
		switch {
		case place == nil: // what is wrong with it is said there
		case !slices.Contains(place.Provider.Speaks(llm.OpFile), one.dialect):
			problems = append(problems, d.Problem(path, "the provider "+one.name+" does not speak "+string(one.dialect), "add it to providers."+one.name+".speaks, or name another"))
		default:
			out[one.dialect] = one.name
		}
	}
	return out, errors.Join(problems...)
}
