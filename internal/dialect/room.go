package dialect

import "weir/internal/llm"

// Room returns memory for the body that a request will be written as. It is taken once: grown step by step, a long
// conversation would be copied as often as it doubles, and leave five times its size to the collector.
func Room(req *llm.Request) []byte {
	size := 256
	for i := range req.Messages {
		size += 48 + partsSize(req.Messages[i].Parts)
	}
	for i := range req.Tools {
		size += toolSize(&req.Tools[i])
	}
	return make([]byte, 0, size+size/16) // escapes; what is more still grows
}

func partsSize(parts []llm.Part) (size int) {
	for i := range parts {
		p := &parts[i]
		size += 64 + len(p.Text) + len(p.Args) + len(p.Raw) + len(p.ID) + len(p.Name) + len(p.Seal.Data) + partsSize(p.Result)
		if m := p.Media; m != nil {
			size += 64 + len(m.Data) + len(m.URL) + len(m.Text) + len(m.Name)
		}
	}
	return size
}

func toolSize(t *llm.Tool) int {
	size := 96 + len(t.Name) + len(t.Description) + max(len(t.Schema), len(t.Raw)) + len(t.Grammar)
	for i := range t.Tools {
		size += toolSize(&t.Tools[i])
	}
	return size
}
