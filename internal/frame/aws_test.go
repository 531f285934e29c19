package frame

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"
)

// keptAWS is a message that outlives the next.
type keptAWS struct {
	Event, Data, Raw     string
	NoData, Tail, Failed bool
}

func collectAWS(t testing.TB, r io.Reader, max int) ([]keptAWS, error) {
	t.Helper()
	var out []keptAWS
	var last error
	for f, err := range AWS(r, nil, max) {
		if last != nil {
			t.Fatal("something follows the error")
		}
		if last = err; err == nil {
			out = append(out, keptAWS{f.Event, string(f.Data), string(f.Raw), f.Data == nil, f.Tail, f.Failed})
		}
	}
	return out, last
}

// message makes a message as the official encoder does.
func message(t testing.TB, payload string, headers ...eventstream.Header) string {
	t.Helper()
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: headers, Payload: []byte(payload)}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func header(name, value string) eventstream.Header {
	return eventstream.Header{Name: name, Value: eventstream.StringValue(value)}
}

// sealAWS puts right lengths and checksums around headers and a payload, whatever they are.
func sealAWS(headers, payload []byte) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(awsLeast+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

func event(name, data, raw string) keptAWS { return keptAWS{Event: name, Data: data, Raw: raw} }

func exception(name, data, raw string) keptAWS {
	k := event(name, data, raw)
	k.Failed = true
	return k
}

func TestAWS(t *testing.T) {
	plain := message(t, `{"a":1}`, header(":message-type", "event"), header(":event-type", "started"), header(":content-type", "application/json"))
	empty := message(t, "", header(":message-type", "event"), header(":event-type", "ended"))
	bare := message(t, "x")
	failed := message(t, `{"message":"slow"}`, header(":exception-type", "throttlingException"), header(":message-type", "exception"))
	broken := message(t, "", header(":message-type", "error"), header(":error-code", "InternalFailure"), header(":error-message", "sorry"))
	nameless := message(t, "z", header(":message-type", "exception"))
	kinds := message(t, "y",
		eventstream.Header{Name: "t", Value: eventstream.BoolValue(true)}, eventstream.Header{Name: "f", Value: eventstream.BoolValue(false)},
		eventstream.Header{Name: "b", Value: eventstream.Int8Value(-1)}, eventstream.Header{Name: "s", Value: eventstream.Int16Value(2)},
		eventstream.Header{Name: "i", Value: eventstream.Int32Value(3)}, eventstream.Header{Name: "l", Value: eventstream.Int64Value(4)},
		eventstream.Header{Name: ":event-type", Value: eventstream.BytesValue("no text")}, eventstream.Header{Name: "at", Value: eventstream.TimestampValue{}},
		eventstream.Header{Name: "id", Value: eventstream.UUIDValue{1, 2, 3}}, header("empty", ""), header(":event-type", "all"))
	for _, tc := range []struct {
		name string
		text string
		want []keptAWS
	}{
		{"nothing", "", nil},
		{"one", plain, []keptAWS{event("started", `{"a":1}`, plain)}},
		{"several", plain + empty + bare, []keptAWS{event("started", `{"a":1}`, plain), event("ended", "", empty), event("", "x", bare)}},
		{"exception", plain + failed, []keptAWS{event("started", `{"a":1}`, plain), exception("throttlingException", `{"message":"slow"}`, failed)}},
		{"error", broken, []keptAWS{exception("InternalFailure", "sorry", broken)}},
		{"exception without a type", nameless, []keptAWS{exception("", "z", nameless)}},
		{"headers of all kinds", kinds, []keptAWS{event("all", "y", kinds)}},
		{"a cut prelude", plain + plain[:7], []keptAWS{event("started", `{"a":1}`, plain), {Raw: plain[:7], NoData: true, Tail: true}}},
		{"a cut payload", plain[:len(plain)-6], []keptAWS{{Raw: plain[:len(plain)-6], NoData: true, Tail: true}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for size := 1; size <= len(tc.text)+1; size++ {
				for _, with := range []bool{false, true} {
					got, err := collectAWS(t, &chunks{text: tc.text, size: always(size), with: with}, 1<<20)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(tc.want, got); d != "" {
						t.Fatalf("read size %d (-want +got):\n%s", size, d)
					}
				}
			}
		})
	}
}

// Whatever is wrong with a message, it ends the stream with ErrCorrupt, and what came before it has come out whole.
func TestAWSCorrupt(t *testing.T) {
	good := string(AppendAWS(nil, "started", false, []byte(`{"a":1}`)))
	text := func(s string) []byte { return append([]byte{1, 'n', 7, 0, byte(len(s))}, s...) }
	tests := map[string]string{
		"total below the least":        prelude(awsLeast-1, 0),
		"total zero":                   prelude(0, 0),
		"headers over the total":       sealed(t, good, func(b []byte) { binary.BigEndian.PutUint32(b[4:], uint32(len(b)-awsLeast+1)) }),
		"headers over four gigabytes":  sealed(t, good, func(b []byte) { binary.BigEndian.PutUint32(b[4:], 1<<32-1) }),
		"unknown kind of header":       sealAWS([]byte{1, 'n', 10}, nil),
		"header of a name alone":       sealAWS([]byte{1, 'n'}, nil),
		"header of a length alone":     sealAWS([]byte{5}, nil),
		"name longer than the headers": sealAWS([]byte{200, 'n', 7, 0, 0}, []byte(strings.Repeat("x", 300))),
		"text longer than the headers": sealAWS([]byte{1, 'n', 7, 0, 9, 'a'}, []byte("payload payload")),
		"text without its length":      sealAWS([]byte{1, 'n', 7, 0}, nil),
		"number cut short":             sealAWS([]byte{1, 'n', 4, 0, 0, 0}, nil),
		"id cut short":                 sealAWS(append([]byte{1, 'n', 9}, make([]byte, 15)...), nil),
		"second header is broken":      sealAWS(append(text("fine"), 1, 'm', 99), nil),
	}
	for i := range good {
		b := []byte(good)
		b[i] ^= 0x10
		tests[fmt.Sprintf("a bit of byte %d", i)] = string(b)
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 1000} {
				got, err := collectAWS(t, &chunks{text: good + bad + good, size: always(size)}, 1<<20)
				if !errors.Is(err, ErrCorrupt) || len(got) != 1 || got[0].Raw != good {
					t.Errorf("read size %d: %d messages, error %v; want one and ErrCorrupt", size, len(got), err)
				}
			}
		})
	}
}

// prelude makes a prelude whose checksum holds, and some text behind it.
func prelude(total, head uint32) string {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, total), head)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))) + strings.Repeat("x", 40)
}

// sealed changes a message and makes its checksums hold again.
func sealed(t *testing.T, text string, change func([]byte)) string {
	t.Helper()
	b := []byte(text)
	change(b)
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[:8]))
	binary.BigEndian.PutUint32(b[len(b)-awsChecksum:], crc32.ChecksumIEEE(b[:len(b)-awsChecksum]))
	return string(b)
}

func TestAWSErrors(t *testing.T) {
	good := string(AppendAWS(nil, "started", false, []byte(`{"a":1}`)))
	lost := errors.New("connection lost")
	for _, text := range []string{good, good + good[:9], good + good[:len(good)-1]} {
		for size := 1; size < 80; size += 13 {
			got, err := collectAWS(t, &chunks{text: text, size: always(size), err: lost}, 1<<20)
			if !errors.Is(err, lost) || len(got) != 1 {
				t.Errorf("read size %d: %d messages, error %v; want one and the read's error", size, len(got), err)
			}
		}
	}
	long := string(AppendAWS(nil, "long", false, make([]byte, 2000)))
	for size := 1; size < 4000; size = 3*size + 1 {
		got, err := collectAWS(t, &chunks{text: good + long, size: always(size)}, len(long)-1)
		if tooLong := (*TooLong)(nil); !errors.As(err, &tooLong) || tooLong.Max != len(long)-1 || len(got) != 1 {
			t.Errorf("read size %d: %d messages, error %v; want one and TooLong", size, len(got), err)
		}
		if got, err = collectAWS(t, &chunks{text: good + long, size: always(size)}, len(long)); err != nil || len(got) != 2 {
			t.Errorf("read size %d: %d messages, error %v; the longest that is allowed is refused", size, len(got), err)
		}
	}
	// A message that says it is huge is given up at the limit, not waited for.
	huge := prelude(1<<32-1, 0)
	if _, err := collectAWS(t, io.MultiReader(strings.NewReader(huge), &endless{text: []byte("x")}), 1<<16); !errors.As(err, new(*TooLong)) {
		t.Errorf("error %v for a message of four gigabytes, want TooLong", err)
	}
}

// A message that is whole comes out before more is read, and More tells whether another one is there already.
func TestAWSPrompt(t *testing.T) {
	one := string(AppendAWS(nil, "one", false, []byte("{}")))
	var more []bool
	r := &chunks{text: one + one + one + one[:20], size: always(2*len(one) + 5)}
	for f, err := range AWS(r, make([]byte, 4096), 1<<20) {
		if err != nil {
			t.Fatal(err)
		}
		more = append(more, f.More)
	}
	if d := cmp.Diff([]bool{true, false, false, false}, more); d != "" {
		t.Errorf("More (-want +got):\n%s", d)
	}
}

// What is written here is what the official decoder reads, and what the official encoder would have written.
func TestAppendAWS(t *testing.T) {
	for _, tc := range []struct {
		event, payload string
		failed         bool
	}{
		{"messageStart", `{"role":"assistant"}`, false},
		{"metadata", "", false},
		{"", "{}", false},
		{"throttlingException", `{"message":"slow"}`, true},
		{"contentBlockDelta", `{"delta":{"text":"` + strings.Repeat("ü", 70000) + `"}}`, false},
	} {
		kind, what := ":event-type", "event"
		if tc.failed {
			kind, what = ":exception-type", "exception"
		}
		want := "before" + message(t, tc.payload, header(kind, tc.event), header(":content-type", "application/json"), header(":message-type", what))
		got := string(AppendAWS([]byte("before"), tc.event, tc.failed, []byte(tc.payload)))
		if got != want {
			t.Errorf("%s: the official encoder writes other bytes", tc.event)
		}
		m, err := eventstream.NewDecoder().Decode(strings.NewReader(got[len("before"):]), nil)
		if err != nil || string(m.Payload) != tc.payload || m.Headers.Get(kind).String() != tc.event {
			t.Errorf("%s: the official decoder reads %.100s, %v", tc.event, m.Payload, err)
		}
	}
}

// An error that a stream's model does not name has its words in the head, as the official decoder finds them.
func TestAppendAWSError(t *testing.T) {
	long := strings.Repeat("ü", 8000)
	for message, want := range map[string]string{"refused": "refused", "a" + long: "a" + long[:8190], long: long[:8192]} {
		got := string(AppendAWSError([]byte("before"), "AccessDeniedException", message))
		m, err := eventstream.NewDecoder().Decode(strings.NewReader(got[len("before"):]), nil)
		if err != nil || len(m.Payload) != 0 || m.Headers.Get(":error-code").String() != "AccessDeniedException" ||
			m.Headers.Get(":error-message").String() != want || m.Headers.Get(":message-type").String() != "error" {
			t.Fatalf("the official decoder reads %.200s, %v", m.Headers, err)
		}
		for f, err := range AWS(strings.NewReader(got[len("before"):]), nil, 1<<20) {
			if err != nil || !f.Failed || f.Event != "AccessDeniedException" || string(f.Data) != want {
				t.Errorf("read back as %s %.100s %v", f.Event, f.Data, err)
			}
		}
	}
}

func TestAWSAllocations(t *testing.T) {
	one := AppendAWS(nil, "contentBlockDelta", false, []byte(`{"contentBlockIndex":0,"delta":{"text":"hello"}}`))
	per := func(n int) float64 {
		text := strings.Repeat(string(one), n)
		return testing.AllocsPerRun(10, func() {
			for _, err := range AWS(strings.NewReader(text), nil, 1<<20) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	const more = 1000
	if got := (per(more+10) - per(10)) / more; got > 0.01 {
		t.Errorf("a message costs %.2f allocations, want none", got)
	}
	buf := make([]byte, 0, 1000)
	if got := testing.AllocsPerRun(100, func() { AppendAWS(buf, "contentBlockDelta", false, one) }); got > 0 {
		t.Errorf("writing a message costs %.0f allocations, want none", got)
	}
}

// FuzzAWS holds three things: the frames are the stream whatever sizes it is read in, what is taken for a message is one
// for the official decoder too and says the same, and what the official decoder reads is refused only where its headers
// are cut short, which it lets pass. The headers come in a message whose checksums hold, so that they are looked at.
func FuzzAWS(f *testing.F) {
	text := func(name, value string) []byte {
		return append(append(append([]byte{byte(len(name))}, name...), 7, 0, byte(len(value))), value...)
	}
	f.Add([]byte(nil), []byte(nil), 1)
	f.Add(AppendAWS(AppendAWS(nil, "one", false, []byte(`{"a":1}`)), "twoException", true, []byte(`{}`)), []byte(nil), 3)
	f.Add([]byte("p"), []byte{1, 'n', 0, 1, 'm', 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 5)
	f.Add([]byte("payload payload"), []byte{1, 'n', 7, 0, 9, 'a'}, 5)
	f.Add([]byte("{}"), append(text(":message-type", "exception"), text(":exception-type", "x")...), 5)
	f.Add([]byte("{}"), append(text(":event-type", "a"), text(":event-type", "b")...), 5)
	f.Add([]byte(prelude(1<<20, 3)), []byte(nil), 11)
	f.Fuzz(func(t *testing.T, in, headers []byte, size int) {
		const most = 1 << 16
		if len(in)+len(headers) > most/4 {
			return
		}
		whole := sealAWS(headers, in)
		stream := whole + string(in)
		want, wantErr := collectAWS(t, strings.NewReader(stream), most)
		got, err := collectAWS(t, &chunks{text: stream, size: always(1 + size&1023)}, most)
		if !cmp.Equal(want, got) || (err == nil) != (wantErr == nil) {
			t.Fatalf("read size %d changes what is read: %v, %v\n%s", 1+size&1023, wantErr, err, cmp.Diff(want, got))
		}
		rest := stream
		for _, k := range want {
			after, ok := strings.CutPrefix(rest, k.Raw)
			if !ok || k.Raw == "" {
				t.Fatalf("the frames are not the stream at %q", rest)
			}
			if !k.Tail {
				official(t, k)
			} else if after != "" {
				t.Fatalf("%d bytes follow the tail", len(after))
			}
			rest = after
		}
		if wantErr == nil && rest != "" {
			t.Fatalf("%d bytes came out of no frame", len(rest))
		}
		if m, err := eventstream.NewDecoder().Decode(strings.NewReader(whole), nil); err == nil && len(want) == 0 {
			var b bytes.Buffer
			if err := eventstream.EncodeHeaders(&b, m.Headers); err == nil && b.Len() == len(headers) {
				t.Fatalf("refused (%v), but the official decoder reads it whole: %q", wantErr, whole)
			}
		}
	})
}

func official(t *testing.T, k keptAWS) {
	t.Helper()
	m, err := eventstream.NewDecoder().Decode(strings.NewReader(k.Raw), nil)
	if err != nil {
		t.Fatalf("taken for a message, but the official decoder says %v: %q", err, k.Raw)
	}
	if string(m.Payload) != k.Data {
		t.Fatalf("payload %q, the official decoder reads %q", k.Data, m.Payload)
	}
	name, failed := "", false
	for _, h := range m.Headers {
		s, text := h.Value.(eventstream.StringValue)
		switch {
		case h.Name == ":event-type" && text:
			name = string(s)
		case (h.Name == ":exception-type" || h.Name == ":error-code") && text:
			name, failed = string(s), true
		case h.Name == ":message-type" && text && s != "event":
			failed = true
		}
	}
	if failed != k.Failed || name != k.Event {
		t.Fatalf("event %q, failed %v; the official decoder reads %q, %v: %q", k.Event, k.Failed, name, failed, k.Raw)
	}
}

// Every recorded event-stream comes out byte for byte and in the same frames, whatever sizes it is read in.
func TestRecordedEventStreams(t *testing.T) {
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: no recorded stream is read")
	}
	files, err := filepath.Glob(filepath.Join(root, "bedrock-*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	streams, frames := 0, 0
	rng := rand.New(rand.NewPCG(1, 1))
	for _, file := range files {
		text, ok := recordedAWS(t, file)
		if !ok {
			continue
		}
		streams++
		want, err := collectAWS(t, strings.NewReader(text), 1<<24)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		frames += len(want)
		var raw strings.Builder
		for _, k := range want {
			raw.WriteString(k.Raw)
			official(t, k)
			if k.Tail || k.Failed || k.Event == "" || !json.Valid([]byte(k.Data)) {
				t.Errorf("%s: a frame that is no event: %.200q", file, k.Raw)
			}
		}
		if raw.String() != text {
			t.Errorf("%s: the frames are not the stream", file)
		}
		for size := 1; size <= 65; size++ {
			next := always(size)
			if size == 65 {
				next = func() int { return 1 + rng.IntN(2000) }
			}
			if got, err := collectAWS(t, &chunks{text: text, size: next}, 1<<24); err != nil || !cmp.Equal(want, got) {
				t.Errorf("%s: other frames at read size %d, %v", file, size, err)
			}
		}
	}
	if streams < 20 {
		t.Errorf("only %d event-streams", streams)
	}
	t.Logf("%d streams, %d frames", streams, frames)
}

func recordedAWS(t *testing.T, file string) (text string, ok bool) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rec struct {
		StreamFormat string `json:"stream_format"`
		Response     struct{ Body string }
	}
	if json.Unmarshal(b, &rec) != nil || rec.StreamFormat != "aws-eventstream" {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(rec.Response.Body)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return string(raw), true
}
