//go:build !race

package prepare

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
)

// TestDocumentsBounds reads what was made to take long.
func TestDocumentsBounds(t *testing.T) {
	for name, c := range map[string]struct {
		raw []byte
		typ string
	}{
		"deep elements": {zipped("word/document.xml", wordBegin+strings.Repeat("<w:p>", 3_000_000)), typeDOCX},
		"deep html":     {[]byte("<html>" + strings.Repeat("<div><table><tr><td>", 1_000_000)), typeHTML},
		"entities":      {[]byte("<html>" + strings.Repeat("&amp;", 2_000_000)), typeHTML},
		"endless tag":   {[]byte("<html><a " + strings.Repeat("x=y ", 4_000_000)), typeHTML},
	} {
		start := time.Now()
		r := read(t.Context(), c.raw, c.typ)
		t.Logf("%s: %v, %d bytes of text, %v", name, time.Since(start).Round(time.Millisecond), len(r.text), r.err)
		if time.Since(start) > 3*readTime || r.err == nil && len(r.text) > mostText {
			t.Errorf("%s: %v", name, time.Since(start))
		}
	}
}

func TestDocumentsToText(t *testing.T) {
	req := asked(llm.Part{Kind: llm.PartText, Text: "What is the profit?"}, pdfPart())
	before := req.Messages[0].Parts[1]
	var d Desk
	got, err := d.Request(t.Context(), req, llm.DocumentsToText, Target{Dialect: llm.OllamaChat})
	if err != nil {
		t.Fatal(err)
	}
	want := llm.Part{Kind: llm.PartText, Text: "Document: report.pdf\n\n[Page 1]\nProfit: 7.\n", Path: "messages[0].content[1]", Cache: &llm.CacheMark{}}
	if diff := cmp.Diff(want, got.Request.Messages[0].Parts[1]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, req.Messages[0].Parts[1]); diff != "" {
		t.Error("the client's request was changed", diff)
	}
	const at = "messages[0].content[1]"
	losses := []llm.Loss{
		{Path: at, Why: "the PDF is sent as its text; layout and pictures are left out", Grade: llm.Changed},
		{Path: at + ".citations", Why: "a text is not cited", Grade: llm.Dropped},
		{Path: at + ".context", Why: "a text has no such member", Grade: llm.Dropped},
	}
	if diff := cmp.Diff(losses, got.Losses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"documents-to-text " + at}, got.Steps); diff != "" {
		t.Error(diff)
	}

	// What was read is read once.
	again, err := d.Request(t.Context(), req, llm.DocumentsToText, Target{Dialect: llm.CohereChat})
	if err != nil || again.Request.Messages[0].Parts[1].Text != want.Text || len(d.texts) != 1 {
		t.Errorf("%v, %d documents read", err, len(d.texts))
	}

	// A result of a tool may hold a document.
	result := asked(llm.Part{Kind: llm.PartResult, ID: "call_1", Path: "messages[2]", Result: []llm.Part{{Kind: llm.PartFile, Media: pdfPart().Media}}})
	got, err = d.Request(t.Context(), result, llm.DocumentsToText, Target{Dialect: llm.OllamaChat})
	if err != nil || got.Request.Messages[0].Parts[0].Result[0].Text != want.Text || got.Losses[0].Path != "messages[2]" {
		t.Errorf("%+v %v", got, err)
	}
}

// TestDocumentsTogether bounds what all documents of a request come to.
func TestDocumentsTogether(t *testing.T) {
	for name, d := range map[string]*Desk{"time": {reading: wholeTime + 1}, "text": {said: wholeText + 1}} {
		_, err := d.Request(t.Context(), asked(pdfPart()), llm.DocumentsToText, Target{Dialect: llm.OllamaChat})
		if err == nil || !strings.Contains(err.Error(), "one document too many") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var d Desk
	if _, err := d.Request(t.Context(), asked(pdfPart()), llm.DocumentsToText, Target{Dialect: llm.OllamaChat}); err != nil || d.reading <= 0 || d.said <= 0 {
		t.Errorf("%v: %v, %d bytes", err, d.reading, d.said)
	}
}

var reads = &llm.Media{Files: []string{typePDF, "text/"}}

// TestDocumentsStay leaves alone what the target reads, and what only the target may know.
func TestDocumentsStay(t *testing.T) {
	docx := llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: typeDOCX, Data: base64.StdEncoding.EncodeToString(word)}}
	text := llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Text: "Hello"}}
	byURL := llm.Part{Kind: llm.PartFile, Media: &llm.Blob{URL: "https://example.org/a.pdf"}}
	for name, c := range map[string]struct {
		part llm.Part
		to   Target
		stay bool
		says string // of the refusal
	}{
		"PDF, read":                      {pdfPart(), Target{llm.GeminiGenerate, llm.Facts{Media: reads}}, true, ""},
		"PDF, chat":                      {pdfPart(), Target{llm.OpenAIChat, llm.Facts{Media: reads}}, true, ""},
		"PDF, a chat without files":      {pdfPart(), Target{llm.OpenAIChat, llm.Facts{Media: reads, Quirks: llm.NoFiles}}, false, ""},
		"PDF, unknown":                   {pdfPart(), Target{llm.OpenAIChat, llm.Facts{}}, false, ""},
		"DOCX, not read":                 {docx, Target{llm.GeminiGenerate, llm.Facts{Media: reads}}, false, ""},
		"text, read":                     {text, Target{llm.AnthropicMessages, llm.Facts{Media: reads}}, true, ""},
		"text, a dialect without words":  {text, Target{llm.OpenAIChat, llm.Facts{Media: reads}}, false, ""},
		"address, unknown":               {byURL, Target{llm.AnthropicMessages, llm.Facts{}}, true, ""},
		"address, read":                  {byURL, Target{llm.AnthropicMessages, llm.Facts{Media: reads}}, true, ""},
		"address, known to read nothing": {byURL, Target{llm.OllamaChat, llm.Facts{}}, false, "nothing is fetched"},
		"scan":                           {llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: typePDF, Data: base64.StdEncoding.EncodeToString(pagesOf(helvetica, "0 0 9 9 re f"))}}, Target{llm.OllamaChat, llm.Facts{}}, false, "such as a scan"},
	} {
		req := asked(c.part)
		got, err := new(Desk).Request(t.Context(), req, llm.DocumentsToText, c.to)
		if c.says != "" {
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok || f.Kind != fault.Unsupported || f.Param != "messages[0].content[0]" || !strings.Contains(f.Message, c.says) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || (got.Request == req) != c.stay || (got.Losses == nil) != c.stay {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if got, err := new(Desk).Request(t.Context(), asked(pdfPart()), llm.ImagesFit|llm.SystemFirst, Target{Dialect: llm.OllamaChat}); err != nil || got.Losses != nil {
		t.Errorf("what was not declared was done: %+v %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := new(Desk).Request(ctx, asked(pdfPart()), llm.DocumentsToText, Target{Dialect: llm.OllamaChat}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
