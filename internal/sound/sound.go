// Package sound tells how long sound is, from the bytes of a file as they come. It decodes nothing: it adds up what
// the headers of frames, pages and chunks say.
//
// It knows WAV, MP3, AAC in ADTS, FLAC, and Opus and Vorbis in Ogg; of samples without any header the caller knows how
// many bytes a second is. Of every other file it says that it does not know.
package sound

import (
	"bytes"
	"encoding/binary"
	"time"
)

const (
	headMost    = 27 + 255 + 20 // bytes of a header that are kept until it can be read
	rateLeast   = 1000          // samples, or bytes, a second: what has fewer is no sound
	secondsMost = 1 << 20       // what is said to be longer is not believed
)

// Meter measures one file. Write it the bytes in pieces of any size. It is used by one goroutine.
type Meter struct {
	// Rate is how many bytes a second has where the file is samples alone; 0 = it has a header.
	Rate int64

	read    func(*Meter) // reads the header that is in head, once all of need is there
	head    []byte
	need    int
	skip    int64 // bytes until the next header
	open    bool  // all that follows is samples
	bytes   int64 // of samples
	samples int64
	rate    int64 // samples a second, or bytes where samples are bytes
	before  int64 // samples at the beginning that are not heard
	strange bool  // the file is of no kind that is known, or broken
}

// Write implements io.Writer; it never fails.
func (m *Meter) Write(p []byte) (int, error) {
	all := len(p)
	if m.Rate > 0 {
		m.bytes, m.rate = m.bytes+int64(all), m.Rate
		return all, nil
	}
	if m.read == nil {
		m.read, m.need = (*Meter).kind, 12
	}
	for len(p) > 0 && !m.strange {
		switch {
		case m.open:
			m.bytes += int64(len(p))
			return all, nil
		case m.skip > 0:
			n := min(m.skip, int64(len(p)))
			m.skip -= n
			p = p[n:]
		default:
			n := min(m.need-len(m.head), len(p))
			m.head = append(m.head, p[:n]...)
			if p = p[n:]; len(m.head) == m.need {
				m.read(m)
			}
		}
	}
	return all, nil
}

// Duration returns how long the sound was so far; ok is false where that is not known.
func (m *Meter) Duration() (d time.Duration, ok bool) {
	n := m.samples - m.before
	if m.bytes > 0 {
		n = m.bytes
	}
	if m.rate < rateLeast || n <= 0 || n/m.rate > secondsMost {
		return 0, false
	}
	return time.Duration(n/m.rate)*time.Second + time.Duration(n%m.rate)*time.Second/time.Duration(m.rate), true
}

// next goes on with another header, of so many bytes, after skipping some. So many of the bytes in head were used; the
// rest comes again.
func (m *Meter) next(read func(*Meter), need int, skip int64, used int) {
	var room [headMost]byte
	n := copy(room[:], m.head[used:])
	m.head, m.read, m.need, m.skip = m.head[:0], read, need, skip
	_, _ = m.Write(room[:n])
}

// kind tells the kind of a file by how it begins.
func (m *Meter) kind() {
	h := m.head
	switch {
	case bytes.HasPrefix(h, []byte("RIFF")) && string(h[8:12]) == "WAVE":
		m.next((*Meter).chunk, 8, 0, 12)
	case bytes.HasPrefix(h, []byte("ID3")):
		size := int64(h[6]&0x7f)<<21 | int64(h[7]&0x7f)<<14 | int64(h[8]&0x7f)<<7 | int64(h[9]&0x7f)
		m.next((*Meter).frame, 4, size, 10)
	case bytes.HasPrefix(h, []byte("fLaC")):
		m.next((*Meter).info, 38, 0, 4)
	case bytes.HasPrefix(h, []byte("OggS")):
		m.next((*Meter).page, 27, 0, 0)
	case h[0] == 0xff && h[1]&0xf6 == 0xf0:
		m.next((*Meter).adts, 7, 0, 0)
	case h[0] == 0xff && h[1]&0xe0 == 0xe0:
		m.next((*Meter).frame, 4, 0, 0)
	default:
		m.strange = true
	}
}

// chunk reads the head of a chunk of WAV.
func (m *Meter) chunk() {
	size := int64(binary.LittleEndian.Uint32(m.head[4:8]))
	switch string(m.head[:4]) {
	case "fmt ":
		if len(m.head) < 24 {
			m.need = 24
			return
		}
		m.rate = int64(binary.LittleEndian.Uint32(m.head[16:20]))
		m.next((*Meter).chunk, 8, max(size-16, 0)+size&1, 24)
	case "data":
		m.open = true // a stream's size is not known when it begins
	default:
		m.next((*Meter).chunk, 8, size+size&1, 8)
	}
}

// The kilobits a second of a frame of MP3, and its samples a second, by the version of MPEG.
var (
	kilobits = [2][15]int64{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
	hertz = [4][3]int64{{11025, 12000, 8000}, {}, {22050, 24000, 16000}, {44100, 48000, 32000}}
)

// frame reads the head of a frame of MP3. Between frames there may be what is none.
func (m *Meter) frame() {
	h := m.head
	version, layer, rate, freq := h[1]>>3&3, h[1]>>1&3, h[2]>>4, h[2]>>2&3
	if h[0] != 0xff || h[1]&0xe0 != 0xe0 || version == 1 || layer != 1 || rate == 0 || rate == 15 || freq == 3 {
		m.next((*Meter).frame, 4, 0, 1)
		return
	}
	table, samples := 0, int64(1152)
	if version != 3 {
		table, samples = 1, 576
	}
	m.rate = hertz[version][freq]
	m.samples += samples
	size := samples/8*kilobits[table][rate]*1000/m.rate + int64(h[2]>>1&1)
	m.next((*Meter).frame, 4, max(size-4, 0), 4)
}

var adtsHertz = [...]int64{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// adts reads the head of a frame of AAC.
func (m *Meter) adts() {
	h := m.head
	freq := int(h[2] >> 2 & 15)
	if h[0] != 0xff || h[1]&0xf6 != 0xf0 || freq >= len(adtsHertz) {
		m.next((*Meter).adts, 7, 0, 1)
		return
	}
	m.rate = adtsHertz[freq]
	m.samples += 1024 * (int64(h[6]&3) + 1)
	size := int64(h[3]&3)<<11 | int64(h[4])<<3 | int64(h[5]>>5)
	m.next((*Meter).adts, 7, max(size-7, 0), 7)
}

// info reads what FLAC says of the whole stream at its beginning.
func (m *Meter) info() {
	if m.head[0]&0x7f != 0 {
		m.strange = true
		return
	}
	v := binary.BigEndian.Uint64(m.head[14:22])
	m.rate, m.samples = int64(v>>44), int64(v&(1<<36-1))
	m.next((*Meter).info, headMost, 1<<62, len(m.head))
}

// page reads a page of Ogg: up to which sample the stream has come.
func (m *Meter) page() {
	h := m.head
	if !bytes.HasPrefix(h, []byte("OggS")) {
		m.strange = true
		return
	}
	segments := int(h[26])
	if len(h) < 27+segments {
		m.need = 27 + segments
		return
	}
	size := 0
	for _, n := range h[27 : 27+segments] {
		size += int(n)
	}
	first := min(size, 20)
	if m.rate == 0 && len(h) < 27+segments+first {
		m.need = 27 + segments + first
		return
	}
	used := 27 + segments
	if body := h[used:]; m.rate == 0 {
		switch {
		case bytes.HasPrefix(body, []byte("OpusHead")) && len(body) >= 12:
			m.rate, m.before = 48000, int64(binary.LittleEndian.Uint16(body[10:12]))
		case bytes.HasPrefix(body, []byte("\x01vorbis")) && len(body) >= 16:
			m.rate = int64(binary.LittleEndian.Uint32(body[12:16]))
		default:
			m.strange = true
			return
		}
		used += len(body)
		size -= len(body)
	}
	if at := int64(binary.LittleEndian.Uint64(h[6:14])); at > 0 {
		m.samples = at
	}
	m.next((*Meter).page, 27, int64(size), used)
}
