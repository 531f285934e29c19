package gemini

import (
	"encoding/base64"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// skipSeal is the value that Google documents for calls that its models did not make: Gemini 3 refuses the first call of a
// step that has no signature.
const skipSeal = "skip_thought_signature_validator"

// unsealed marks, in answers of other makers' models, the call that Gemini 3 would demand a signature of. A history that
// holds it is not passed to a provider as it is, so that the encoder can put in what the target demands.
var unsealed = llm.Seal{By: "absent", Form: llm.SealSignature, Data: "-"}

// tagged is how the base64 of a tagged seal begins.
var tagged = base64.StdEncoding.EncodeToString([]byte(llm.SealTag))[:5]

// sealText returns what to write as thoughtSignature. The member is bytes, so that another maker's seal is written as
// base64; a native one is base64 already and stays verbatim.
func sealText(s llm.Seal) string {
	text := s.Text(maker, llm.SealSignature)
	if text == s.Data {
		return text
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// readSeal reads a thoughtSignature. SDKs write bytes in either alphabet of base64.
func readSeal(text string) llm.Seal {
	if strings.HasPrefix(text, tagged) {
		if b, err := base64.StdEncoding.DecodeString(plainBase64(text)); err == nil {
			s := llm.ParseSeal(string(b), maker, llm.SealSignature)
			if s == unsealed {
				return llm.Seal{}
			}
			if s.Data != string(b) {
				return s
			}
		}
	}
	return llm.ParseSeal(text, maker, llm.SealSignature)
}

// plainBase64 returns base64 in the standard alphabet, with its padding. Of what is no base64 it makes none.
func plainBase64(s string) string {
	if strings.ContainsAny(s, "-_") {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	}
	if n := len(s) % 4; n > 1 && !strings.HasSuffix(s, "=") {
		s += "=="[:4-n]
	}
	return s
}

func writeSeal(w *rawjson.Writer, s llm.Seal) {
	if s.Data != "" {
		w.Name("thoughtSignature").String(sealText(s))
	}
}
