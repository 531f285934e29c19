package openaiimages

import (
	"slices"
	"strings"

	"weir/internal/llm"
)

// tongue is how a speaker of the dialect, or a model of OpenAI's, differs from the others.
type tongue struct {
	sizes     []string // it takes no others; nil = it takes any
	aspects   []string // it takes shapes in place of sizes
	classes   []string // and these of their resolutions
	sides     bool     // it takes a width and a height in place of a size
	qualities []string // it takes no others; nil = it takes any
	data      string   // the word of response_format for base64; "" = images always come so, and there is no word
	edits     string   // where a call has its images; "" = the model changes none
	varies    bool     // it varies an image without a prompt
	streams   bool
	most      int64    // images of one call
	prompt    int      // letters of a prompt
	lacks     []string // settings that it has no place for
}

// Where a call has the images that are changed: in a form, or in a member.
const (
	inForm     = "form"
	inImage    = "image"     // xAI
	inImageURL = "image_url" // Together
)

var (
	// plain is a speaker of which nothing is known. It is asked for no more than most know.
	plain = tongue{data: llm.ReturnData, edits: inForm, varies: true, streams: true, most: 10}

	notOfOpenAI = []string{"negative_prompt", "seed", "guidance_scale"}

	gptImage = tongue{
		sizes: []string{"1024x1024", "1536x1024", "1024x1536"}, qualities: []string{"low", "medium", "high"}, edits: inForm, streams: true,
		most: 10, prompt: 32000, lacks: append([]string{"style", "response_format"}, notOfOpenAI...),
	}
	dallE3 = tongue{
		sizes: []string{"1024x1024", "1792x1024", "1024x1792"}, qualities: []string{"standard", "hd"}, data: llm.ReturnData, most: 1, prompt: 4000,
		lacks: append([]string{"background", "output_format", "output_compression", "moderation", "input_fidelity", "partial_images"}, notOfOpenAI...),
	}
	dallE2 = tongue{
		sizes: []string{"1024x1024", "512x512", "256x256"}, data: llm.ReturnData, edits: inForm, varies: true, most: 10, prompt: 1000,
		lacks: append([]string{"quality", "style", "background", "output_format", "output_compression", "moderation", "input_fidelity", "partial_images"}, notOfOpenAI...),
	}
	xAI = tongue{
		aspects: []string{"1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20"}, classes: []string{"1k", "2k"},
		data: llm.ReturnData, edits: inImage, most: 10,
		lacks: append([]string{"quality", "style", "background", "output_format", "output_compression", "moderation", "input_fidelity", "partial_images", "mask"}, notOfOpenAI...),
	}
	together = tongue{
		sides: true, data: "base64", edits: inImageURL, most: 4,
		lacks: []string{"quality", "style", "background", "output_compression", "moderation", "input_fidelity", "partial_images", "user", "mask"},
	}
)

// tongueOf tells how a target speaks, by who it is and by its model's name.
func tongueOf(facts llm.Facts) tongue {
	name := facts.Model[strings.LastIndexByte(facts.Model, '/')+1:]
	t := plain
	switch {
	case facts.Provider == "xai":
		if t = xAI; strings.HasPrefix(name, "grok-2") {
			t.aspects, t.classes, t.edits = []string{"4:3"}, nil, "" // it chooses
			t.lacks = append(slices.Clone(t.lacks), "size")
		}
	case facts.Provider == "together":
		t = together
	case strings.Contains(name, "dall-e-3"):
		t = dallE3
	case strings.Contains(name, "dall-e-2"):
		t = dallE2
	case strings.HasPrefix(name, "gpt-image-2"):
		t = gptImage
		t.sizes = nil // any that 16 divides
	case strings.HasPrefix(name, "gpt-image"), strings.HasPrefix(name, "chatgpt-image"), facts.Provider == "openai", facts.Provider == "azure":
		t = gptImage
	}
	return t
}

// has lists the settings that a speaker has a place for, by their names in dialect.ImageWord.
func (t *tongue) has() []string {
	all := []string{
		"size", "quality", "style", "background", "output_format", "output_compression", "input_fidelity", "moderation", "user",
		"negative_prompt", "seed", "guidance_scale", "partial_images", "response_format",
	}
	return slices.DeleteFunc(all, t.lacking)
}

func (t *tongue) lacking(name string) bool { return slices.Contains(t.lacks, name) }

// Makes implements dialect.Imager.
func (images) Makes(_ *llm.ImageRequest, facts llm.Facts) int64 {
	t := tongueOf(facts)
	return t.most
}
