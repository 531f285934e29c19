package config

import (
	"strings"
	"testing"
)

func TestTransforms(t *testing.T) {
	const head = "version: 1\nproviders:\n  p: { base_url: \"http://127.0.0.1/v1\", speaks: [openai-chat], auth: none }\nmodels:\n  m:\n    targets: [{ provider: p, model: x }]\n    transforms: "
	d, err := Parse("weir.yaml", []byte(head+"[documents-to-text, images-fit, system-first, system-to-user]\n"), Options{})
	if err != nil || strings.Join(d.Models[0].Transforms, " ") != "documents-to-text images-fit system-first system-to-user" {
		t.Fatalf("%v %+v", err, d)
	}
	for written, says := range map[string]string{
		"[document-to-text]": "did you mean `documents-to-text`?",
		"[shrink]":           "there are `documents-to-text`, `images-fit`, `system-first` and `system-to-user`",
		"images-fit":         "put it in brackets: `transforms: [images-fit]`",
	} {
		_, err := Parse("weir.yaml", []byte(head+written+"\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "weir.yaml:7:") {
			t.Errorf("%s: %v", written, err)
		}
	}
}
