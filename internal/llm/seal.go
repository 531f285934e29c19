package llm

import "strings"

// sealTag begins a seal that stands in a place made for another maker's; see Seal.Text.
const sealTag = "wr1."

// SealTag is what the text of every seal in a foreign place begins with. A body that holds it must not go to a provider
// as it is: the provider would refuse what it did not make.
const SealTag = sealTag

// Text returns what to write where a dialect has a place for seals that are by native and of the given form. Another
// maker's or another form's gets a tag in front that says whose and what it is, so that ParseSeal can tell them apart
// when the conversation returns; native seals stay verbatim.
func (s Seal) Text(native, form string) string {
	if s.Data == "" || s.By == native && s.Form == form && !strings.HasPrefix(s.Data, sealTag) {
		return s.Data
	}
	kind := "s."
	if s.Form == SealEncrypted {
		kind = "e."
	}
	return sealTag + kind + s.By + "." + s.Data
}

// ParseSeal reads what stands in a place for seals that are by native and of the given form: a tagged one gives back
// its own maker and form. An empty text gives the zero Seal.
func ParseSeal(text, native, form string) Seal {
	if text == "" {
		return Seal{}
	}
	if rest, ok := strings.CutPrefix(text, sealTag); ok && len(rest) > 2 && rest[1] == '.' {
		by, data, ok := strings.Cut(rest[2:], ".")
		if ok && by != "" && data != "" {
			switch rest[0] {
			case 's':
				return Seal{By: by, Form: SealSignature, Data: data}
			case 'e':
				return Seal{By: by, Form: SealEncrypted, Data: data}
			}
		}
	}
	return Seal{By: native, Form: form, Data: text}
}
