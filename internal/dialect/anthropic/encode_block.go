package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// writeBlock writes a part that has its place here. own says that its Extra and Raw belong to this dialect.
func writeBlock(w *rawjson.Writer, p *llm.Part, own bool) {
	if own && p.Raw != nil && (p.Kind == llm.PartOpaque || p.Kind == llm.PartResult && p.By != llm.ByClient) {
		w.Raw(p.Raw)
		return
	}
	w.Open('{')
	w.Name("type").String(blockType(p))
	switch p.Kind {
	case llm.PartReasoning:
		if redacted(p) {
			w.Name("data").String(p.Seal.Text(maker, llm.SealEncrypted))
			break
		}
		// The SDKs demand a signature, and an empty one says that there is none.
		w.Name("thinking").String(p.Text).Name("signature").String(p.Seal.Text(maker, llm.SealSignature))
	case llm.PartImage, llm.PartFile:
		writeMedium(w, p)
	case llm.PartCall:
		w.Name("id").String(p.ID).Name("name").String(p.Name).Name("input").Raw(inputValue(p.Args))
	case llm.PartResult:
		w.Name("tool_use_id").String(p.ID)
		if len(p.Result) > 0 {
			writeContent(w.Name("content"), p.Result, own)
		}
		if p.Failed {
			w.Name("is_error").Bool(true)
		}
	default:
		w.Name("text").String(p.Text)
		writeCites(w, p.Cites, own)
	}
	if p.Cache != nil {
		writeMark(w.Name("cache_control"), p.Cache)
	}
	if own {
		dialect.WriteExtra(w, p.Extra)
	}
	w.Close('}')
}

// inputValue returns arguments as the value of a member, whatever they are.
func inputValue(args string) []byte {
	b := []byte(args)
	switch {
	case rawjson.Kind(b) == ' ':
		return []byte("{}")
	case rawjson.Check(b) != nil:
		return []byte(wrap("arguments", args))
	}
	return b
}

// redacted reports whether nothing of a thought is to be seen. A cipher beside visible text, as other makers have it,
// stands where its signature would.
func redacted(p *llm.Part) bool { return p.Seal.Form == llm.SealEncrypted && p.Text == "" }

func blockType(p *llm.Part) string {
	switch p.Kind {
	case llm.PartReasoning:
		if redacted(p) {
			return "redacted_thinking"
		}
		return "thinking"
	case llm.PartImage:
		return "image"
	case llm.PartFile:
		return "document"
	case llm.PartCall:
		switch p.By {
		case llm.ByServer:
			return "server_tool_use"
		case llm.ByMCP:
			return "mcp_tool_use"
		}
		return "tool_use"
	case llm.PartResult:
		return "tool_result"
	}
	return "text"
}

func writeCites(w *rawjson.Writer, cites []llm.Cite, own bool) {
	if len(cites) == 0 {
		return
	}
	w.Name("citations").Open('[')
	for i := range cites {
		writeCite(w, &cites[i], own)
	}
	w.Close(']')
}

func writeMedium(w *rawjson.Writer, p *llm.Part) {
	b := p.Media
	w.Name("source").Open('{')
	switch {
	case b.Data != "":
		w.Name("type").String("base64").Name("media_type").String(b.Type).Name("data").String(b.Data)
	case b.URL != "":
		w.Name("type").String("url").Name("url").String(b.URL)
	case b.FileID != "":
		w.Name("type").String("file").Name("file_id").String(b.FileID)
	case b.Source == "content":
		w.Name("type").String("content").Name("content").String(b.Text)
	default:
		w.Name("type").String("text").Name("media_type").String(b.Type).Name("data").String(b.Text)
	}
	w.Close('}')
	if p.Kind != llm.PartFile {
		return
	}
	if b.Name != "" {
		w.Name("title").String(b.Name)
	}
	if b.Cite {
		w.Name("citations").Open('{').Name("enabled").Bool(true).Close('}')
	}
}

func writeMark(w *rawjson.Writer, m *llm.CacheMark) {
	w.Open('{').Name("type").String("ephemeral")
	if m.TTL != "" {
		w.Name("ttl").String(m.TTL)
	}
	w.Close('}')
}

// writeContent writes parts as a text where they are nothing else, as blocks otherwise.
func writeContent(w *rawjson.Writer, parts []llm.Part, own bool) {
	if len(parts) == 1 {
		p := &parts[0]
		if p.Kind == llm.PartText && p.Cache == nil && p.Cites == nil && p.Extra == nil && p.Text != "" {
			w.String(p.Text)
			return
		}
	}
	w.Open('[')
	for i := range parts {
		writeBlock(w, &parts[i], own)
	}
	w.Close(']')
}
