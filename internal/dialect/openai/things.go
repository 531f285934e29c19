package openai

import "weir/internal/rawjson"

// AppendList appends a list of objects as OpenAI has it.
func AppendList(dst []byte, objects [][]byte, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, one := range objects {
		w.Raw(one)
	}
	w.Close(']')
	for i, name := range [...]string{"first_id", "last_id"} {
		if len(objects) == 0 {
			w.Name(name).Null()
			continue
		}
		w.Name(name).Raw(rawjson.Get(objects[i*(len(objects)-1)], "id"))
	}
	return w.Name("has_more").Bool(more).Close('}').Buf
}
