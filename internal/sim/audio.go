package sim

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"path"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

const (
	soundRate   = 24000 // samples a second
	soundBytes  = 2 * soundRate
	soundPiece  = 4800 // bytes of sound sent at once: a tenth of a second
	perLetter   = 20   // milliseconds of speech
	soundTokens = 10   // a second
)

var (
	spoken = map[string]mediaField{
		"model":           {kind: "string", need: true, lo: 1},
		"input":           {kind: "string", need: true, lo: 1, hi: 4096},
		"voice":           {kind: "any", need: true},
		"instructions":    {kind: "string", hi: 4096},
		"response_format": {kind: "string", words: []string{"mp3", "wav", "pcm"}},
		"speed":           {kind: "number", lo: 0, hi: 4},
		"stream_format":   {kind: "string", words: []string{"audio", "sse"}},
	}
	translated = map[string]mediaField{
		"model":           {kind: "string", need: true, lo: 1},
		"file":            {kind: "file", need: true},
		"prompt":          {kind: "string"},
		"response_format": {kind: "string", words: []string{"json", "text", "srt", "verbose_json", "vtt"}},
		"temperature":     {kind: "number", lo: 0, hi: 1},
	}
	transcribed = with(translated, map[string]mediaField{
		"language":                {kind: "string"},
		"stream":                  {kind: "bool"},
		"include":                 {kind: "string", list: true},
		"timestamp_granularities": {kind: "string", list: true},
		"chunking_strategy":       {kind: "string"},
	})
)

// speak answers POST /v1/audio/speech.
func (x *exchange) speak() error {
	m, err := x.readMedia(spoken, false)
	if err != nil {
		return err
	}
	if k := rawjson.Kind([]byte(m.values["voice"])); k != '"' && k != '{' {
		m.wrongType("voice", "a string or an object", []byte(m.values["voice"]))
		return m.bad
	}
	if err := x.served(m.values["model"], "sim-voice"); err != nil {
		return err
	}
	events := m.values["stream_format"] == "sse"
	if done, err := x.misbehave(m.values["model"], events); done || err != nil {
		return err
	}
	format := m.or("response_format", "mp3")
	letters := len([]rune(m.values["input"]))
	sound := tone(x.seed, letters*perLetter*soundRate/1000)
	switch format {
	case "wav":
		sound = append(wavHeader(len(sound)), sound...)
	case "mp3":
		sound = silence(letters * perLetter)
	}
	if events {
		return x.speakEvents(sound, tokens(len(m.values["input"])), int64(letters*perLetter*soundTokens/1000)+1)
	}
	return x.pieces(map[string]string{"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}[format], sound)
}

// pieces sends sound as it is made. A breakage leaves it half sent.
func (x *exchange) pieces(contentType string, sound []byte) error {
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(http.StatusOK)
	x.status(http.StatusOK)
	rc := http.NewResponseController(x.w)
	sent := 0
	for piece := range slices.Chunk(sound, soundPiece) {
		if x.trip != breakNot && (sent >= breakAfter || sent*soundPiece >= len(sound)/2 && sent > 0) {
			x.abort()
		}
		if sent > 0 {
			pace := x.p.Pace
			if pace == 0 {
				pace = defaultPace
			}
			if err := x.wait(pace); err != nil {
				return err
			}
		}
		_, err := x.w.Write(piece)
		if err == nil {
			err = rc.Flush()
		}
		if err != nil {
			x.left()
			return errLeft
		}
		sent++
	}
	if x.trip != breakNot {
		x.abort()
	}
	return nil
}

func (x *exchange) speakEvents(sound []byte, input, output int64) error {
	s := x.stream()
	for piece := range slices.Chunk(sound, soundPiece) {
		w := &rawjson.Writer{}
		w.Open('{').Name("type").String("speech.audio.delta").Name("audio").String(base64.StdEncoding.EncodeToString(piece))
		if err := s.send("", w.Close('}').Buf); err != nil {
			return err
		}
	}
	if err := s.ending(); err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("type").String("speech.audio.done").Name("usage").Open('{')
	w.Name("input_tokens").Int(input).Name("output_tokens").Int(output).Name("total_tokens").Int(input + output)
	if err := s.send("", w.Close('}').Close('}').Buf); err != nil {
		return err
	}
	return s.end()
}

// tone is n samples of a note that the seed decides, 16 bits each.
func tone(seed uint64, n int) []byte {
	pitch := 220 + float64(seed%440)
	out := make([]byte, 0, 2*n)
	for i := range n {
		v := math.Sin(2*math.Pi*pitch*float64(i)/soundRate) * (1 << 13)
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(v)))
	}
	return out
}

// wavHeader stands before n bytes of samples.
func wavHeader(n int) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("RIFF"), uint32(36+n))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1) // PCM, one channel
	b = le.AppendUint32(le.AppendUint32(b, soundRate), soundBytes)
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	return le.AppendUint32(append(b, "data"...), uint32(n))
}

// silence is MP3 for so many milliseconds: frames at 128 kbit/s and 44.1 kHz whose every count is zero.
func silence(ms int) []byte {
	const size, samples = 417, 1152
	frame := make([]byte, size)
	copy(frame, []byte{0xff, 0xfb, 0x90, 0x64})
	return slices.Repeat(frame, ms*44100/1000/samples+1)
}

// hear answers POST /v1/audio/transcriptions.
func (x *exchange) hear() error { return x.transcript("transcribe", transcribed) }

// translate answers POST /v1/audio/translations.
func (x *exchange) translate() error { return x.transcript("translate", translated) }

func (x *exchange) transcript(task string, fields map[string]mediaField) error {
	m, err := x.readMedia(fields, true)
	if err != nil {
		return err
	}
	if len(m.files["file"]) == 0 {
		return chatError("file", "missing_required_parameter", "Missing required parameter: 'file'.")
	}
	f := m.files["file"][0]
	kind := strings.TrimPrefix(strings.ToLower(path.Ext(f.name)), ".")
	if !slices.Contains([]string{"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"}, kind) {
		return chatError("file", "unsupported_value", "Unrecognized file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']")
	}
	if kind == "wav" && (len(f.data) < 44 || string(f.data[:4]) != "RIFF" || string(f.data[8:12]) != "WAVE") {
		return chatError("file", "invalid_value", "The audio file could not be decoded or its format is not supported.")
	}
	if err := x.served(m.values["model"], "sim-transcribe"); err != nil {
		return err
	}
	stream := m.values["stream"] == "true"
	if done, err := x.misbehave(m.values["model"], stream); done || err != nil {
		return err
	}
	h := heard{task: task, ms: max(int64(len(f.data)-44), 1)*1000/soundBytes + 1}
	h.text = fmt.Sprintf("A simulated transcript of %s: %d bytes of %s.", cut(f.name, 100), len(f.data), kind)
	if stream {
		return x.hearEvents(h)
	}
	contentType, body := h.as(m.or("response_format", "json"))
	x.write(http.StatusOK, contentType, body)
	return nil
}

// heard is a transcript.
type heard struct {
	task, text string
	ms         int64
}

func (h *heard) seconds() string { return fmt.Sprintf("%d.%03d", h.ms/1000, h.ms%1000) }

// as writes a transcript in a format.
func (h *heard) as(format string) (contentType string, body []byte) {
	end := fmt.Sprintf("%02d:%02d:%02d", h.ms/3600000, h.ms/60000%60, h.ms/1000%60)
	switch format {
	case "text":
		return "text/plain; charset=utf-8", []byte(h.text + "\n")
	case "srt":
		return "text/plain; charset=utf-8", fmt.Appendf(nil, "1\n00:00:00,000 --> %s,%03d\n%s\n\n", end, h.ms%1000, h.text)
	case "vtt":
		return "text/vtt; charset=utf-8", fmt.Appendf(nil, "WEBVTT\n\n00:00:00.000 --> %s.%03d\n%s\n\n", end, h.ms%1000, h.text)
	}
	w := &rawjson.Writer{}
	w.Open('{')
	if format == "verbose_json" {
		w.Name("task").String(h.task).Name("language").String("english").Name("duration").Num(h.seconds())
		w.Name("segments").Open('[').Open('{').Name("id").Int(0).Name("seek").Int(0).Name("start").Num("0.0").Name("end").Num(h.seconds())
		w.Name("text").String(h.text).Name("tokens").Open('[').Close(']').Name("temperature").Num("0.0").Name("avg_logprob").Num("-0.1")
		w.Name("compression_ratio").Num("1.0").Name("no_speech_prob").Num("0.01").Close('}').Close(']')
	}
	w.Name("text").String(h.text)
	if format == "verbose_json" {
		w.Name("usage").Open('{').Name("type").String("duration").Name("seconds").Int((h.ms + 999) / 1000).Close('}')
	} else {
		h.usage(w)
	}
	return "application/json", w.Close('}').Buf
}

func (h *heard) usage(w *rawjson.Writer) {
	input, output := h.ms*soundTokens/1000+1, tokens(len(h.text))
	w.Name("usage").Open('{').Name("type").String("tokens").Name("input_tokens").Int(input)
	w.Name("input_token_details").Open('{').Name("text_tokens").Int(0).Name("audio_tokens").Int(input).Close('}')
	w.Name("output_tokens").Int(output).Name("total_tokens").Int(input + output).Close('}')
}

func (x *exchange) hearEvents(h heard) error {
	s := x.stream()
	for _, word := range strings.SplitAfter(h.text, " ") {
		w := &rawjson.Writer{}
		w.Open('{').Name("type").String("transcript.text.delta").Name("delta").String(word)
		if err := s.send("", w.Close('}').Buf); err != nil {
			return err
		}
	}
	if err := s.ending(); err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("type").String("transcript.text.done").Name("text").String(h.text)
	h.usage(w)
	if err := s.send("", w.Close('}').Buf); err != nil {
		return err
	}
	return s.write(nil, "data: [DONE]\n\n")
}
