package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestFramesAsAWS: what AWS sent, taken apart and framed here, is the same bytes.
func TestFramesAsAWS(t *testing.T) {
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: the framing is not held against AWS's")
	}
	files, err := filepath.Glob(filepath.Join(dir, "bedrock-converse/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x struct {
			Format   string `json:"stream_format"`
			Response struct {
				Body any
			}
		}
		if err := json.Unmarshal(b, &x); err != nil {
			t.Fatal(err)
		}
		text, _ := x.Response.Body.(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if x.Format != "aws-eventstream" || err != nil {
			continue
		}
		for len(raw) >= 16 {
			total, head := binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:])
			var headers []awsHeader
			for h := raw[12 : 12+head]; len(h) > 0; {
				n := int(h[0])
				size := int(binary.BigEndian.Uint16(h[2+n:]))
				headers = append(headers, awsHeader{string(h[1 : 1+n]), string(h[4+n : 4+n+size])})
				h = h[4+n+size:]
			}
			if got := awsFrame(headers, raw[12+head:total-4]); !bytes.Equal(got, raw[:total]) {
				t.Fatalf("%s: %x became %x", filepath.Base(file), raw[:total], got)
			}
			raw = raw[total:]
			frames++
		}
	}
	if frames == 0 {
		t.Error("no frame was checked")
	}
	t.Logf("%d frames", frames)
}
