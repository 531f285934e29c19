package sound

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// file joins pieces: texts, bytes, and numbers of four bytes in little endian.
func file(pieces ...any) []byte {
	var b []byte
	for _, p := range pieces {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(p))
		}
	}
	return b
}

// frames repeats a frame of so many bytes that begins with a header.
func frames(n, size int, header ...byte) []byte {
	one := append(header, make([]byte, size-len(header))...)
	return bytes.Repeat(one, n)
}

// page is one of Ogg, which ends with a sample.
func page(sample int64, body []byte) []byte {
	b := append([]byte("OggS\x00\x00"), binary.LittleEndian.AppendUint64(nil, uint64(sample))...)
	b = append(b, make([]byte, 12)...)
	b = append(b, byte(len(body)/255+1))
	b = append(b, bytes.Repeat([]byte{255}, len(body)/255)...)
	b = append(b, byte(len(body)%255))
	return append(b, body...)
}

// TestDuration measures files of every kind, written in pieces of every size.
func TestDuration(t *testing.T) {
	flac := append([]byte("fLaC\x80\x00\x00\x22"), make([]byte, 34)...)
	binary.BigEndian.PutUint64(flac[18:], 44100<<44|1<<41|15<<36|44100*3)
	head := append([]byte("OpusHead\x01\x01"), 0x38, 0x01, 0, 0, 0, 0, 0, 0, 0) // 312 samples are not heard
	vorbis := append([]byte("\x01vorbis\x00\x00\x00\x00\x01"), file(8000, 0, 0, 0, "\xb8\x01")...)
	for _, c := range []struct {
		name string
		rate int64
		file []byte
		want time.Duration
	}{
		{"wav", 0, file("RIFF", 1000, "WAVE", "fmt ", 16, "\x01\x00\x01\x00", 24000, 48000, "\x02\x00\x10\x00", "data", 96000, make([]byte, 96000)), 2 * time.Second},
		{"wav, another chunk, a stream", 0, file("RIFF", -1, "WAVE", "fmt ", 18, "\x01\x00\x01\x00", 24000, 48000, "\x02\x00\x10\x00", "\x00\x00", "LIST", 3, "odd\x00", "data", -1, make([]byte, 24000)), time.Second / 2},
		{"mp3 of 128 kbit/s", 0, frames(100, 417, 0xff, 0xfb, 0x90, 0), 100 * 1152 * time.Second / 44100},
		{"mp3 of MPEG 2, after a tag and before another", 0, file("ID3\x04\x00\x00\x00\x00\x01\x02", make([]byte, 130), frames(50, 192, 0xff, 0xf3, 0x44, 0), "TAG", make([]byte, 125)), 50 * 576 * time.Second / 24000},
		{"aac", 0, frames(10, 100, 0xff, 0xf1, 0x50, 0x80, 0x0c, 0x9f, 0xfc), 10 * 1024 * time.Second / 44100},
		{"flac", 0, append(flac, make([]byte, 500)...), 3 * time.Second},
		{"opus", 0, file(page(0, head), page(0, []byte("OpusTags")), page(48000+312, make([]byte, 300)), page(2*48000+312, make([]byte, 255))), 2 * time.Second},
		{"vorbis", 0, file(page(0, vorbis), page(-1, make([]byte, 9)), page(12000, make([]byte, 700))), 1500 * time.Millisecond},
		{"samples alone", 48000, make([]byte, 12000), time.Second / 4},
		{"a web page", 0, []byte("<html><body>no sound</body></html>"), 0},
		{"nothing", 0, nil, 0},
		{"half a header", 0, []byte("RIFF"), 0},
		{"an Ogg of what is not known", 0, page(5000, []byte("Speex   1234567890123456")), 0},
		{"a wav that says nothing", 0, file("RIFF", 10, "WAVE", "fmt ", 16, make([]byte, 16), "data", 9, "123456789"), 0},
		{"what nobody believes", 0, file(page(0, head), page(1<<62, make([]byte, 9))), 0},
	} {
		for _, size := range []int{1, 2, 3, 7, 64, 1 << 20} {
			m := Meter{Rate: c.rate}
			for rest := c.file; len(rest) > 0; {
				n := min(size, len(rest))
				if w, err := m.Write(rest[:n]); w != n || err != nil {
					t.Fatal(w, err)
				}
				rest = rest[n:]
			}
			got, ok := m.Duration()
			if diff := got - c.want; diff < -time.Microsecond || diff > time.Microsecond || ok != (c.want > 0) {
				t.Errorf("%s in pieces of %d: %s %v, want %s", c.name, size, got, ok, c.want)
			}
		}
	}
}

func FuzzDuration(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), uint8(3))
	f.Add(frames(3, 417, 0xff, 0xfb, 0x90, 0), uint8(5))
	f.Add(frames(3, 100, 0xff, 0xf1, 0x50, 0x80, 0x0c, 0x9f, 0xfc), uint8(5))
	f.Add(page(100, []byte("OpusHead\x01\x01123456789")), uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var whole, parts Meter
		_, _ = whole.Write(b)
		for n := int(size) + 1; len(b) > 0; b = b[min(n, len(b)):] {
			_, _ = parts.Write(b[:min(n, len(b))])
		}
		w, okw := whole.Duration()
		p, okp := parts.Duration()
		if w != p || okw != okp || w < 0 {
			t.Errorf("%s %v whole, %s %v in parts", w, okw, p, okp)
		}
	})
}
