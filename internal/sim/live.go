package sim

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"weir/internal/rawjson"
)

// bidi answers Google's Live API over a WebSocket. The first message sets the session up and names the model; errors are
// told by closing. Models whose names say so fail: sim-429 and its like when the session is set up, sim-cut, sim-stall
// and sim-error-in-stream within an answer.
func (x *exchange) bidi() error {
	if !strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket") {
		return &refusal{status: http.StatusBadRequest, kind: "INVALID_ARGUMENT", message: "This takes a WebSocket's handshake."}
	}
	conn, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return errLeft
	}
	x.status(http.StatusSwitchingProtocols)
	conn.SetReadLimit(talkMost)
	l := &liveTalk{x: x, conn: conn}
	defer func() { _ = conn.CloseNow() }()
	if err := l.serve(); err != nil {
		x.left()
	}
	return nil
}

// liveTalk is one session; one goroutine reads and answers.
type liveTalk struct {
	x     *exchange
	conn  *websocket.Conn
	model string
	audio bool
	tools []tool
	turns []turn
	said  counts
	heard int // bytes of sound in the turn
}

// closed tells an error as this API does.
func (l *liveTalk) closed(code websocket.StatusCode, format string, args ...any) error {
	_ = l.conn.Close(code, cut(fmt.Sprintf(format, args...), 120))
	return errBroken
}

// send writes a message, as bytes, which is how the API does it.
func (l *liveTalk) send(fill func(*rawjson.Writer)) error {
	w := &rawjson.Writer{}
	w.Open('{')
	fill(w)
	return l.conn.Write(context.Background(), websocket.MessageBinary, w.Close('}').Buf)
}

func (l *liveTalk) serve() error {
	for n := 0; ; n++ {
		_, message, err := l.conn.Read(context.Background())
		if err != nil {
			return err
		}
		if rawjson.Check(message) != nil || rawjson.Kind(message) != '{' {
			return l.closed(websocket.StatusInvalidFramePayloadData, "Invalid JSON payload received.")
		}
		if n == 0 {
			err = l.setUp(rawjson.Get(message, "setup"))
		} else {
			err = l.message(message)
		}
		if err != nil {
			return err
		}
	}
}

func (l *liveTalk) setUp(v []byte) error {
	name := rawjson.Text(rawjson.Get(v, "model"))
	model, ok := strings.CutPrefix(name, "models/")
	l.model = model
	l.x.asks(model)
	if !ok || l.x.served(model, RealtimeModel) != nil {
		return l.closed(websocket.StatusPolicyViolation, "%s is not found for API version v1beta, or is not supported for bidiGenerateContent.", name)
	}
	if f := chatFailures[model]; f != nil && model != "sim-error-in-stream" {
		return l.closed(websocket.StatusInternalError, "%s", f.message)
	}
	for _, m := range rawjson.Elems(rawjson.Get(v, "generationConfig", "responseModalities")) {
		l.audio = rawjson.Text(m) == "AUDIO"
	}
	for _, group := range rawjson.Elems(rawjson.Get(v, "tools")) {
		for _, f := range rawjson.Elems(rawjson.Get(group, "functionDeclarations")) {
			l.tools = append(l.tools, tool{name: rawjson.Text(rawjson.Get(f, "name")), schema: rawjson.Get(f, "parametersJsonSchema")})
		}
	}
	return l.send(func(w *rawjson.Writer) { w.Name("setupComplete").Open('{').Close('}') })
}

func (l *liveTalk) add(one turn) {
	q := question{turns: l.turns}
	q.add(one)
	l.turns = q.turns
}

func (l *liveTalk) message(m []byte) error {
	switch {
	case rawjson.Get(m, "setup") != nil:
		return l.closed(websocket.StatusInvalidFramePayloadData, "setup must be the first message and only the first.")
	case rawjson.Get(m, "clientContent") != nil:
		for _, t := range rawjson.Elems(rawjson.Get(m, "clientContent", "turns")) {
			one := turn{assistant: rawjson.Text(rawjson.Get(t, "role")) == "model"}
			for _, p := range rawjson.Elems(rawjson.Get(t, "parts")) {
				text := rawjson.Text(rawjson.Get(p, "text"))
				one.texts = append(one.texts, text)
				l.said.text += tokens(len(text))
			}
			l.add(one)
		}
		if done, _ := rawjson.Bool(rawjson.Get(m, "clientContent", "turnComplete")); done {
			return l.answer()
		}
	case rawjson.Get(m, "toolResponse") != nil:
		for _, r := range rawjson.Elems(rawjson.Get(m, "toolResponse", "functionResponses")) {
			text := rawjson.Text(rawjson.Get(r, "response", "output"))
			l.said.text += tokens(len(text))
			l.add(turn{results: []result{{name: rawjson.Text(rawjson.Get(r, "name")), text: text}}})
		}
		return l.answer()
	case rawjson.Get(m, "realtimeInput") != nil:
		v := rawjson.Get(m, "realtimeInput")
		l.heard += len(rawjson.Text(rawjson.Get(v, "audio", "data"))) / 4 * 3
		if text := rawjson.Text(rawjson.Get(v, "text")); text != "" {
			l.said.text += tokens(len(text))
			l.add(turn{texts: []string{text}})
			return l.answer()
		}
		if end, _ := rawjson.Bool(rawjson.Get(v, "audioStreamEnd")); end && l.heard > 0 {
			l.said.audio += int64(l.heard*soundTokens/soundBytes) + 1
			l.heard = 0
			l.add(turn{texts: []string{"I was given sound, and nobody listened to it."}})
			return l.answer()
		}
	default:
		return l.closed(websocket.StatusInvalidFramePayloadData, "Request contains an invalid argument.")
	}
	return nil
}

// answer gives a turn of the model's.
func (l *liveTalk) answer() error {
	q := &question{
		model: Model{ID: DefaultModel, Context: defaultContext, MaxOutput: defaultMaxOutput}, turns: l.turns, tools: l.tools, choice: choice{mode: "auto"},
		n: 1, seed: mix(l.x.seed, uint64(len(l.turns))), same: l.x.p.Seed, script: l.x.p.Script,
	}
	a := q.answer(0)
	out, spoken := a.output, int64(0)
	if len(a.calls) > 0 {
		err := l.send(func(w *rawjson.Writer) {
			w.Name("toolCall").Open('{').Name("functionCalls").Open('[')
			for _, c := range a.calls {
				w.Open('{').Name("id").String(c.id).Name("name").String(c.name).Name("args").Raw([]byte(c.args)).Close('}')
			}
			w.Close(']').Close('}')
			l.usage(w, out, 0)
		})
		l.add(turn{assistant: true, calls: a.calls})
		return err
	}
	pieces := pieces(a.text)
	if l.audio {
		letters := len([]rune(a.text))
		spoken, out = int64(letters*perLetter*soundTokens/1000)+1, 0
		pieces = nil
		for sound := range slices.Chunk(tone(l.x.seed, min(letters, 200)*perLetter*soundRate/1000), soundPiece) {
			pieces = append(pieces, base64.StdEncoding.EncodeToString(sound))
		}
	}
	for i, piece := range pieces {
		if i == 3 {
			switch l.model {
			case "sim-cut":
				_ = l.conn.CloseNow()
				return errBroken
			case "sim-stall":
				_, _, err := l.conn.Read(context.Background())
				return err
			case "sim-error-in-stream":
				return l.closed(websocket.StatusInternalError, "Internal error encountered.")
			}
		}
		if l.x.p.Pace >= 0 {
			if err := l.x.wait(max(l.x.p.Pace, defaultPace/4)); err != nil {
				return err
			}
		}
		if err := l.send(func(w *rawjson.Writer) {
			w.Name("serverContent").Open('{').Name("modelTurn").Open('{').Name("parts").Open('[').Open('{')
			if l.audio {
				w.Name("inlineData").Open('{').Name("mimeType").String("audio/pcm;rate=24000").Name("data").String(piece).Close('}')
			} else {
				w.Name("text").String(piece)
			}
			w.Close('}').Close(']').Close('}').Close('}')
		}); err != nil {
			return err
		}
	}
	err := l.send(func(w *rawjson.Writer) {
		w.Name("serverContent").Open('{').Name("turnComplete").Bool(true).Close('}')
		l.usage(w, out, spoken)
	})
	l.said.text += out
	l.said.audio += spoken
	l.add(turn{assistant: true, texts: []string{a.text}})
	return err
}

// usage writes what a turn used: the whole conversation is read again with each.
func (l *liveTalk) usage(w *rawjson.Writer, out, spoken int64) {
	detail := func(name string, c counts) {
		w.Name(name).Open('[')
		w.Open('{').Name("modality").String("TEXT").Name("tokenCount").Int(c.text).Close('}')
		w.Open('{').Name("modality").String("AUDIO").Name("tokenCount").Int(c.audio).Close('}').Close(']')
	}
	w.Name("usageMetadata").Open('{').Name("promptTokenCount").Int(l.said.all()).Name("responseTokenCount").Int(out + spoken)
	w.Name("totalTokenCount").Int(l.said.all() + out + spoken)
	detail("promptTokensDetails", l.said)
	detail("responseTokensDetails", counts{out, spoken})
	w.Close('}')
}
