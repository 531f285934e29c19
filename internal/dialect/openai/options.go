package openai

import (
	"weir/internal/rawjson"
	"weir/internal/splice"
)

var (
	options      = splice.NewSpec("include_usage")
	includeUsage = []byte(`{"include_usage":true}`)
)

// WantUsage reads stream_options: whether usage is asked for in the stream.
func WantUsage(raw []byte) (bool, error) {
	if rawjson.IsNull(raw) {
		return false, nil
	}
	if rawjson.Kind(raw) != '{' {
		return false, malformed("stream_options", "stream_options must be an object")
	}
	ix, err := options.Scan(raw)
	if err != nil {
		f := Refused(err)
		f.Param = "stream_options"
		return false, f
	}
	usage := ix.Get(raw, 0)
	if rawjson.IsNull(usage) {
		return false, nil
	}
	on, ok := rawjson.Bool(usage)
	if !ok {
		return false, malformed("stream_options.include_usage", "stream_options.include_usage must be true or false")
	}
	return on, nil
}

// AskUsage returns stream_options with include_usage, nil if they have it.
func AskUsage(raw []byte) ([]byte, error) {
	if rawjson.IsNull(raw) {
		return includeUsage, nil
	}
	ix, err := options.Scan(raw)
	if err != nil {
		return nil, Refused(err)
	}
	if on, _ := rawjson.Bool(ix.Get(raw, 0)); on {
		return nil, nil
	}
	return options.Apply(nil, raw, &ix, splice.Change{Member: 0, Value: []byte("true")}), nil
}
