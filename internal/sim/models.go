package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/internal/rawjson"
)

// Model is a model that the provider lists.
type Model struct {
	ID        string
	About     string // what it does, in a sentence
	Context   int64  // most input tokens
	MaxOutput int64  // most output tokens
	Embeds    bool   // it makes embeddings and nothing else
}

// DefaultModel answers plainly.
const DefaultModel = "sim-1"

// models are all models, the default first.
var models = []Model{
	{ID: DefaultModel, About: "Answers with a short text that says what was asked; calls tools when asked to."},
	{ID: "sim-tools", About: "Calls a tool whenever it is given one."},
	{ID: "sim-think", About: "Thinks before it answers."},
	{ID: "sim-redacted", About: "Thinks, and hands its thoughts out encrypted only."},
	{ID: "gemini-3-sim", About: "Thinks; its name says that it wants its signatures back, as those that think do where Gemini is spoken."},
	{ID: "sim-long", About: "Answers at length."},
	{ID: "sim-big", About: "Answers with one megabyte of text.", MaxOutput: 1 << 20},
	{ID: textModel, About: "Reads text only: images, sound and documents are refused."},
	{ID: "sim-empty", About: "Answers with nothing."},
	{ID: "sim-refusal", About: "Declines to answer."},
	{ID: "sim-429", About: "Is over its rate limit; retry after a second."},
	{ID: "sim-overloaded", About: "Is overloaded."},
	{ID: "sim-500", About: "Fails inside."},
	{ID: "sim-503", About: "Is unavailable."},
	{ID: "sim-auth", About: "Takes no credential."},
	{ID: "sim-context", About: "Finds every prompt too long."},
	{ID: "sim-slow", About: "Answers after 30 seconds of silence."},
	{ID: "sim-hang", About: "Never answers."},
	{ID: "sim-stall", About: "Begins to answer and then goes silent."},
	{ID: "sim-cut", About: "Breaks the connection in the middle of its answer."},
	{ID: "sim-error-in-stream", About: "Ends its stream with an error."},
	{ID: "sim-error-first", About: "Begins its stream with an error."},
	{ID: "sim-garbage", About: "Answers with a page of HTML."},
	{ID: "sim-embed", About: "Makes embeddings: texts with words in common are near each other.", Embeds: true, Context: 8192},
}

const (
	defaultContext   = 200_000
	defaultMaxOutput = 128_000
)

// made is when all models came to be.
var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Models returns the models the provider serves, the default first. The caller owns the slice.
func Models() []Model {
	out := make([]Model, len(models))
	for i, m := range models {
		if m.Context == 0 {
			m.Context = defaultContext
		}
		if m.MaxOutput == 0 && !m.Embeds {
			m.MaxOutput = defaultMaxOutput
		}
		out[i] = m
	}
	return out
}

func findModel(id string) (Model, bool) {
	for _, m := range Models() {
		if m.ID == id {
			return m, true
		}
	}
	if base, suffix, tuned := strings.Cut(strings.TrimPrefix(id, "ft:"), ":sim:"); tuned && suffix != "" && strings.HasPrefix(id, "ft:") {
		m, known := findModel(base) // fine-tuned models answer as the one they were made of
		m.ID = id
		return m, known
	}
	return Model{}, false
}

// thinks returns how long the model thinks when nothing is said of it.
func (m Model) thinks() int {
	switch m.ID {
	case "sim-think", "sim-redacted", "gemini-3-sim":
		return 2
	}
	return 0
}

// models lists them all, in the shape of the face.
func (x *exchange) models() error {
	w := rawjson.Writer{}
	w.Open('{')
	if x.face == chatFace {
		w.Name("object").String("list")
	}
	w.Name("data").Open('[')
	for _, m := range models {
		x.writeModel(&w, m)
	}
	if x.face == chatFace {
		for _, m := range mediaModels {
			x.writeModel(&w, m)
		}
	}
	w.Close(']')
	if x.face == messagesFace {
		w.Name("has_more").Bool(false)
		w.Name("first_id").String(models[0].ID).Name("last_id").String(models[len(models)-1].ID)
	}
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}

func (x *exchange) model(id string) error {
	m, ok := findModel(id)
	if i := slices.IndexFunc(mediaModels, func(m Model) bool { return m.ID == id }); i >= 0 && x.face == chatFace {
		m, ok = mediaModels[i], true
	}
	if !ok {
		if x.face == messagesFace {
			return &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "model: " + id}
		}
		return noChatModel(id)
	}
	w := rawjson.Writer{}
	x.writeModel(&w, m)
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

func (x *exchange) writeModel(w *rawjson.Writer, m Model) {
	w.Open('{')
	if x.face == messagesFace {
		w.Name("type").String("model").Name("id").String(m.ID).Name("display_name").String(m.ID)
		w.Name("created_at").String(made.Format(time.RFC3339))
	} else {
		w.Name("id").String(m.ID).Name("object").String("model").Name("created").Int(made.Unix())
		w.Name("owned_by").String("weir-sim")
	}
	w.Close('}')
}
