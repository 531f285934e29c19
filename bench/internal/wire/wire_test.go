package wire

import (
	"bytes"
	"encoding/json"
	"testing"
)

func region(s Shape) []byte {
	b := append(AppendMarker(nil, s), ' ')
	b = AppendPrompt(b, 7, 3000)
	return append(b, "[[END]]"...)
}

var shape = Shape{ID: [16]byte([]byte("0123456789abcdef")), Chunks: 20, Size: 24, Delay: 1000, TTFT: 5, Reply: 600, Stamp: true, Fault: "drop"}

func TestMarkerRoundTrip(t *testing.T) {
	r := region(shape)
	body := append([]byte(`{"messages":[{"content":"before `), r...)
	body = append(body, ` after"}]}`...)
	got, crc := Find(body)
	want := shape
	want.Set = true
	if got != want {
		t.Errorf("Find = %+v, want %+v", got, want)
	}
	if crc != CRC(r) {
		t.Errorf("checksum %08x, want %08x", crc, CRC(r))
	}
	if !bytes.Equal(AppendMarker(nil, shape)[IDOffset:IDOffset+16], shape.ID[:]) {
		t.Error("IDOffset is not where the id is")
	}
}

// Whatever a gateway changes within the region, the checksum tells.
func TestChecksumSeesEveryByte(t *testing.T) {
	r := region(shape)
	want := CRC(r)
	for i := range r {
		x := bytes.Clone(r)
		x[i] ^= 1
		if CRC(x) == want {
			t.Fatalf("byte %d can change unseen", i)
		}
		if _, crc := Find(append(r[:i:i], r[i+1:]...)); crc == want {
			t.Fatalf("byte %d can be lost unseen", i)
		}
	}
}

// A gateway that decodes and encodes the prompt sends the same bytes.
func TestPromptSurvivesReencoding(t *testing.T) {
	for seed := range 50 {
		src := append([]byte{'"'}, AppendPrompt(nil, seed, 2000)...)
		src = append(src, '"')
		var s string
		if err := json.Unmarshal(src, &s); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out, src) {
			t.Fatalf("seed %d: the prompt changes when it is encoded again", seed)
		}
	}
}

func TestUnmarked(t *testing.T) {
	if s, _ := Find([]byte(`{"messages":[]}`)); s.Set {
		t.Errorf("Find = %+v", s)
	}
}

// Chunks of fill glued together are the fill in one piece.
func TestFillInPieces(t *testing.T) {
	want := AppendFill(nil, 0, 200_000)
	var got []byte
	for off, n := 0, 1; off < len(want); n = n*3%1000 + 1 {
		n = min(n, len(want)-off)
		got = AppendFill(got, off, n)
		off += n
	}
	if !bytes.Equal(got, want) {
		t.Error("pieces differ from the whole")
	}
}

func TestHead(t *testing.T) {
	h := AppendHead(nil, shape.ID, 0x0badcafe)
	if string(h) != "bench 0123456789abcdef 0badcafe " || len(h) != HeadLen {
		t.Errorf("head %q of %d", h, len(h))
	}
}

func TestStamp(t *testing.T) {
	const now = 1_760_000_000_123_456_789
	s := append(AppendStamp(nil, now), "text"...)
	got, rest, ok := CutStamp(s)
	if !ok || got != now || string(rest) != "text" {
		t.Errorf("CutStamp(%q) = %d %q %v", s, got, rest, ok)
	}
	for _, s := range []string{"", "text", "@123@text", "@12345678901234567x9@text"} {
		if _, rest, ok := CutStamp([]byte(s)); ok || string(rest) != s {
			t.Errorf("CutStamp(%q) = %q %v", s, rest, ok)
		}
	}
}
