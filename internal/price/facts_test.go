package price

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var zeroTime time.Time

// operations maps LiteLLM's modes to the table's words; what is not here is not a model's.
var operations = map[string]string{
	"chat": "", "completion": "", "responses": "", "embedding": "embedding", "rerank": "rerank", "search": "search",
	"image_generation": "image", "image_edit": "image_edit", "audio_transcription": "transcription", "audio_speech": "speech",
	"moderation": "moderation", "video_generation": "video", "ocr": "ocr", "realtime": "realtime", "vector_store": "search",
}

// liteFacts reads what LiteLLM says of a model.
func liteFacts(t *testing.T, key string, entry map[string]any) *fact {
	f := &fact{source: liteLLM}
	mode, _ := entry["mode"].(string)
	op, ok := operations[mode]
	if !ok && mode != "" {
		t.Errorf("LiteLLM's mode %s is not known", mode)
	}
	f.Operation = op
	f.MaxInput, f.MaxOutput = whole(entry["max_input_tokens"]), whole(entry["max_output_tokens"])
	f.Sunset, _ = parseDate(text(entry["deprecation_date"]))
	f.Takes, f.Gives = liteModalities(op, entry)
	if search := entry["search_context_cost_per_query"]; search != nil && entry["litellm_provider"] == "perplexity" &&
		whole(entry["citation_cost_per_token"]) == 0 && entry["citation_cost_per_token"] == nil {
		f.MinSearches = 1 // every request searches, and says nothing of it
	}
	if strings.Contains(key, "-search-preview") && mode == "chat" {
		f.MinSearches = 1 // the search models of Chat Completions
	}
	if entry["input_cost_per_query"] != nil {
		f.MinSearches = 1
	}
	return f
}

func liteModalities(op string, entry map[string]any) (takes, gives Modalities) {
	list := func(v any) (m Modalities) {
		l, _ := v.([]any)
		for _, word := range l {
			m |= modality(text(word))
		}
		return m
	}
	takes, gives = list(entry["supported_modalities"]), list(entry["supported_output_modalities"])
	if takes == 0 {
		for flag, m := range map[string]Modalities{
			"supports_vision": Images, "supports_image_input": Images, "supports_embedding_image_input": Images,
			"supports_audio_input": Audio, "supports_video_input": Video, "supports_pdf_input": Files,
		} {
			if entry[flag] == true {
				takes |= m | Text
			}
		}
	}
	usual := map[string][2]Modalities{
		"": {Text, Text}, "embedding": {Text, Vectors}, "rerank": {Text, 0}, "image": {Text, Images},
		"image_edit": {Text | Images, Images}, "transcription": {Audio, Text}, "speech": {Text, Audio}, "moderation": {Text, 0},
		"video": {Text, Video}, "ocr": {Images | Files, Text}, "realtime": {Text | Audio, Text | Audio},
	}[op]
	if takes == 0 {
		takes = usual[0]
	}
	if gives == 0 {
		gives = usual[1]
	}
	return takes, gives
}

// devFacts reads what models.dev says of a model.
func devFacts(t *testing.T, entry map[string]any) *fact {
	f := &fact{source: modelsDev}
	limit, _ := entry["limit"].(map[string]any)
	f.Context, f.MaxInput, f.MaxOutput = whole(limit["context"]), whole(limit["input"]), whole(limit["output"])
	f.Released, _ = parseDate(text(entry["release_date"]))
	f.Deprecated = entry["status"] == "deprecated"
	m, _ := entry["modalities"].(map[string]any)
	for side, to := range map[string]*Modalities{"input": &f.Takes, "output": &f.Gives} {
		l, _ := m[side].([]any)
		for _, word := range l {
			one := modality(text(word))
			if one == 0 {
				t.Errorf("models.dev's modality %v is not known", word)
			}
			*to |= one
		}
	}
	return f
}

func modality(word string) Modalities {
	switch word {
	case "pdf":
		return Files
	case "embedding", "embeddings", "code":
		return 0 // no media
	}
	m, _ := parseModalities(word)
	return m
}

func whole(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		f, _ := n.Float64() // 32000.0
		i = int64(f)
	}
	return max(i, 0)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// merge puts what g says of a model beside what f says. Limits of the input are upper bounds, so the larger counts. The
// limit of the output and the modalities are f's, which is models.dev where there are two: LiteLLM often writes the whole
// window for the former and has flags for some of the latter.
func (f *fact) merge(g *fact) *fact {
	out := *f
	out.Context = max(f.Context, g.Context)
	out.MaxInput = max(f.MaxInput, g.MaxInput)
	if out.MaxOutput == 0 {
		out.MaxOutput = g.MaxOutput
	}
	out.MinSearches = max(f.MinSearches, g.MinSearches)
	out.Deprecated = f.Deprecated || g.Deprecated
	for _, x := range []struct{ to, other *Date }{{&out.Released, &g.Released}, {&out.Sunset, &g.Sunset}} {
		if *x.to == 0 {
			*x.to = *x.other
		}
	}
	if out.Operation == "" {
		out.Operation = g.Operation
	}
	if out.Takes == 0 {
		out.Takes = g.Takes
	}
	if out.Gives == 0 {
		out.Gives = g.Gives
	}
	return &out
}
