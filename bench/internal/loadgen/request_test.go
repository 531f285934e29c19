package loadgen

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"weir/bench/internal/wire"
)

// Every request is valid JSON of about the size asked for, and carries one
// marked region whose checksum the mock will find.
func TestRequests(t *testing.T) {
	for _, api := range []string{"openai", "responses", "anthropic", "gemini", "embeddings"} {
		for size, n := range map[string]int{"small": 200, "medium": 10_000, "large": 100_000, "3000": 3000} {
			c := Config{API: api, Size: size, Stream: true, Extra: map[string]json.RawMessage{"user": json.RawMessage(`"u"`)}}
			c.fill()
			tm, err := c.build(3)
			if err != nil {
				t.Fatal(err)
			}
			key, crc := tm.arm(0xfeedbeef)
			head, body, ok := bytes.Cut(tm.msg, []byte("\r\n\r\n"))
			if !ok || !bytes.Contains(head, []byte("\r\nContent-Length: "+strconv.Itoa(len(body)))) {
				t.Fatalf("%s %s: head %q, body of %d", api, size, head, len(body))
			}
			if !json.Valid(body) {
				t.Fatalf("%s %s: body is not JSON: %.200s", api, size, body)
			}
			if api != "embeddings" && (len(body) < n || len(body) > n+n/4+600) {
				t.Errorf("%s %s: body of %d bytes", api, size, len(body))
			}
			shape, sum := wire.Find(body)
			if !shape.Set || shape.ID != key || sum != crc || shape.Chunks != c.Chunks {
				t.Errorf("%s %s: the mock would find %+v %08x, not id %s %08x", api, size, shape, sum, key, crc)
			}
		}
	}
}

func TestRequestUnknown(t *testing.T) {
	for _, c := range []Config{{API: "telegraph", Size: "small"}, {API: "openai", Size: "huge"}} {
		if _, err := c.build(0); err == nil {
			t.Errorf("build(%+v) says nothing", c)
		}
	}
}
