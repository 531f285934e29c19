package gemini

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodePart reads a part of a request or an answer. at is its place, for what is nested in it. wrong names the member
// within the part. Ids that are missing stay empty.
func decodePart(v []byte, at string) (llm.Part, *dialect.Wrong) {
	var o object
	o.Read(v)
	p := llm.Part{Path: at}
	switch {
	case o.take("functionCall") != nil:
		decodeCall(&o, &p)
	case o.take("functionResponse") != nil:
		decodeResult(&o, &p, at)
	case o.take("inlineData") != nil:
		decodeInline(&o, &p)
	case o.take("fileData") != nil:
		if !decodeFile(&o, &p) {
			return opaque(v, at), o.Bad
		}
	case o.take("executableCode") != nil, o.take("codeExecutionResult") != nil, o.take("toolCall") != nil, o.take("toolResponse") != nil:
		p = serverPart(&o, v)
		p.Path = at
		return p, nil
	case o.take("text") != nil, o.take("thought") != nil, o.take("thoughtSignature") != nil, o.Rest() == nil:
		p.Kind, p.Text = llm.PartText, o.string("text")
		if thought := o.bool("thought"); thought != nil && *thought {
			p.Kind = llm.PartReasoning
		}
	default:
		return opaque(v, at), nil
	}
	if s := o.string("thoughtSignature"); s != "" {
		p.Seal = readSeal(s)
	}
	for name, raw := range o.Rest() {
		p.Extra = dialect.With(p.Extra, name, raw)
	}
	return p, o.Bad
}

// opaque keeps a part of a kind that is not known.
func opaque(v []byte, at string) llm.Part {
	p := llm.Part{Kind: llm.PartOpaque, Raw: v, Path: at}
	for name := range rawjson.Members(v) {
		p.Name = string(name)
		break
	}
	return p
}

func decodeCall(o *object, p *llm.Part) {
	p.Kind = llm.PartCall
	o.within(&p.Extra, "functionCall", "functionCall.", func(in *object) {
		p.ID, p.Name = in.string("id"), in.string("name")
		args := in.take("args")
		if args != nil && rawjson.Kind(args) != '{' {
			in.Fail("args", "an object")
		}
		p.Args = trimmed(args)
	})
}

// decodeResult reads the response of a function.
func decodeResult(o *object, p *llm.Part, at string) {
	p.Kind = llm.PartResult
	at += ".functionResponse"
	o.within(&p.Extra, "functionResponse", "functionResponse.", func(in *object) {
		p.ID, p.Name = in.string("id"), in.string("name")
		v := in.take("response")
		if v != nil && rawjson.Kind(v) != '{' {
			in.Fail("response", "an object")
		}
		p.Failed, p.Result = readResponse(v)
		for i := range p.Result {
			p.Result[i].Path = at + ".response"
		}
		media := in.take("parts")
		if media != nil && !list(media) {
			in.Fail("parts", "a list")
		}
		for i, e := range elems(media) {
			m, bad := decodePart(e, at+".parts["+strconv.Itoa(i)+"]")
			if bad != nil || m.Kind == llm.PartCall || m.Kind == llm.PartResult {
				m = opaque(e, m.Path)
			}
			p.Result = append(p.Result, m)
		}
	})
}

// readResponse reads what a function responded: a text or a value under output, what went wrong under error, and any
// other object as it is.
func readResponse(v []byte) (failed bool, parts []llm.Part) {
	n := 0
	var name string
	var value, wrong []byte
	for member, raw := range rawjson.Members(v) {
		n++
		name, value = string(member), raw
		if name == "error" {
			wrong = raw
		}
	}
	if n == 0 {
		return false, nil
	}
	failed = dialect.Says(wrong)
	if n == 1 && (name == "output" || name == "error") {
		failed = name == "error"
		switch rawjson.Kind(value) {
		case '"':
			if s := rawjson.Text(value); s != "" || !failed {
				return failed, []llm.Part{{Kind: llm.PartText, Text: s}}
			}
			return true, nil
		case '{', 'n':
		default:
			return failed, []llm.Part{{Kind: llm.PartJSON, Text: trimmed(value)}}
		}
	}
	return failed, []llm.Part{{Kind: llm.PartJSON, Text: trimmed(v)}}
}

// serverPart keeps a part of a tool that the provider runs: code and what came of it, or a call of one of Google's own
// tools.
func serverPart(o *object, v []byte) llm.Part {
	p := llm.Part{Kind: llm.PartCall, By: llm.ByServer, Raw: v}
	var in object
	switch {
	case o.take("executableCode") != nil:
		in.Read(o.take("executableCode"))
		p.Name, p.Args = "code_execution", tight(o.take("executableCode"))
	case o.take("codeExecutionResult") != nil:
		in.Read(o.take("codeExecutionResult"))
		p.Kind, p.Name = llm.PartResult, "code_execution"
		outcome := enum(in.take("outcome"), []string{"OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"})
		p.Failed = outcome == "OUTCOME_FAILED" || outcome == "OUTCOME_DEADLINE_EXCEEDED"
	case o.take("toolCall") != nil:
		in.Read(o.take("toolCall"))
		p.Name, p.Args = strings.ToLower(rawjson.Text(in.take("toolType"))), tight(in.take("args"))
	default:
		in.Read(o.take("toolResponse"))
		p.Kind, p.Name = llm.PartResult, strings.ToLower(rawjson.Text(in.take("toolType")))
	}
	p.ID = rawjson.Text(in.take("id"))
	return p
}

// decodeInline reads a medium that is there.
func decodeInline(o *object, p *llm.Part) {
	b := &llm.Blob{}
	o.within(&p.Extra, "inlineData", "inlineData.", func(in *object) {
		b.Type, b.Data, b.Name = in.string("mimeType"), plainBase64(in.string("data")), in.string("displayName")
	})
	p.Kind, p.Media = kindOf(b.Type), b
}

// decodeFile reads a medium that is elsewhere: at an address, or kept by Google under one that nobody else can read. It
// reports whether there is one.
func decodeFile(o *object, p *llm.Part) bool {
	b := &llm.Blob{}
	o.within(&p.Extra, "fileData", "fileData.", func(in *object) {
		uri := in.string("fileUri")
		b.Type, b.Name = in.string("mimeType"), in.string("displayName")
		if keptByGoogle(uri) || llm.OwnID(uri) {
			b.FileID = uri
		} else {
			b.URL = uri
		}
	})
	p.Kind, p.Media = kindOf(b.Type), b
	if b.Type == "" && youTube(b.URL) {
		p.Kind = llm.PartVideo
	}
	return b.URL != "" || b.FileID != ""
}

// kindOf returns what a medium is by its type.
func kindOf(typ string) llm.PartKind {
	major, _, _ := strings.Cut(typ, "/")
	switch strings.ToLower(major) {
	case "image":
		return llm.PartImage
	case "audio":
		return llm.PartAudio
	case "video":
		return llm.PartVideo
	}
	return llm.PartFile
}

// keptByGoogle reports whether an address is of a file at Google's, which its models alone read.
func keptByGoogle(uri string) bool {
	return strings.HasPrefix(uri, "gs://") || strings.HasPrefix(uri, "https://generativelanguage.googleapis.com/") ||
		strings.HasPrefix(uri, "files/")
}

// youTube reports whether an address is of a video that Gemini reads by its address.
func youTube(uri string) bool {
	for _, host := range [...]string{"https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/"} {
		if strings.HasPrefix(uri, host) {
			return true
		}
	}
	return false
}
