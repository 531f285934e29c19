//go:build !race

package prepare

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var mutate = flag.Duration("mutate", time.Second, "how long PDF documents are damaged and read")

// TestPDFMutated reads documents that were damaged at random. It is no fuzz target: the reader runs in WebAssembly, where the
// fuzzer sees no coverage and only makes it slow.
func TestPDFMutated(t *testing.T) {
	if _, err := pdfReader(); err != nil {
		t.Fatal(err)
	}
	seeds := [][]byte{
		pagesOf(helvetica, shown(72, 720, "One."), shown(72, 720, "Two.")), encrypted("x"), encrypted(""), cid(),
		pagesOf(helvetica, "q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"),
	}
	words := [][]byte{[]byte("<<"), []byte(">>"), []byte(" 0 R"), []byte("endobj"), []byte("999999999"), []byte("-1"), []byte("["), []byte("/Kids"), []byte("stream\n"), {0}}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	n, readable, start := 0, 0, time.Now()
	for ; n < 40 || time.Since(start) < *mutate; n++ {
		raw := bytes.Clone(seeds[random.IntN(len(seeds))])
		for range 1 + random.IntN(6) {
			at := random.IntN(len(raw))
			switch random.IntN(4) {
			case 0:
				raw[at] = byte(random.Uint32())
			case 1:
				raw = append(raw[:at:at], append(words[random.IntN(len(words))], raw[at:]...)...)
			case 2:
				raw = append(raw[:at:at], raw[min(len(raw), at+random.IntN(40)):]...)
			default:
				from := random.IntN(len(raw))
				raw = append(raw[:at:at], append(bytes.Clone(raw[from:min(len(raw), from+60)]), raw[at:]...)...)
			}
			if len(raw) == 0 {
				raw = []byte{'%'}
			}
		}
		begun := time.Now()
		r := readPDF(t.Context(), raw)
		checkReading(t, r, begun)
		if r.err == nil {
			readable++
		}
		if t.Failed() {
			t.Fatalf("seed %d: %q", seed, raw)
		}
	}
	t.Logf("%d documents, %d readable, seed %d", n, readable, seed)
	if n == 0 || readable == 0 || readable == n {
		t.Errorf("of %d documents %d were readable", n, readable)
	}
}
