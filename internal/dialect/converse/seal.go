package converse

import (
	"encoding/base64"

	"weir/internal/llm"
)

// Where reasoning is redacted, redactedContent holds bytes: of Claude's, the very text that its own API calls the data of
// a redacted thought. That text is what the canonical model keeps, so that the seal can travel between the two. Bytes
// that are no text are kept as the base64 they are in, as a seal of an unknown maker.

// readRedacted reads redactedContent and reports whether it is base64 as everyone writes it.
func readRedacted(content, native string) (llm.Seal, bool) {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(raw) == 0 || base64.StdEncoding.EncodeToString(raw) != content {
		return llm.Seal{}, false
	}
	return readBytes(raw, native), true
}

// readBytes reads what redactedContent holds.
func readBytes(raw []byte, native string) llm.Seal {
	if !printable(raw) {
		return llm.Seal{By: anyMaker, Form: llm.SealEncrypted, Data: base64.StdEncoding.EncodeToString(raw)}
	}
	return llm.ParseSeal(string(raw), native, llm.SealEncrypted)
}

// redacted returns a seal as redactedContent, which must be base64.
func redacted(s llm.Seal, native string) string {
	if s.By == anyMaker && s.Form == llm.SealEncrypted && isBytes(s.Data) {
		return s.Data
	}
	return base64.StdEncoding.EncodeToString([]byte(s.Text(native, llm.SealEncrypted)))
}

// isBytes reports whether data is the base64 of bytes that are no text, as readBytes leaves them.
func isBytes(data string) bool {
	raw, err := base64.StdEncoding.DecodeString(data)
	return err == nil && len(raw) > 0 && !printable(raw) && base64.StdEncoding.EncodeToString(raw) == data
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
