package sim

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"weir/internal/rawjson"
)

// RealtimeModel talks over a WebSocket.
const RealtimeModel = "sim-realtime"

const (
	talkMost  = 16 << 20 // bytes of a client's event
	hugeEvent = 17 << 20 // bytes of what sim-big says at once
)

// realtime answers GET /v1/realtime, OpenAI's Realtime API over a WebSocket: the events of general availability or, where
// a header asks for it, of the beta. It does not listen for speech: an answer begins when it is asked for. Models whose
// names say so fail: before the session (sim-429, …), with its first event (sim-error-first), within an answer (sim-cut,
// sim-stall, sim-error-in-stream, sim-garbage, sim-big), or by saying nothing at all (sim-hang).
func (x *exchange) realtime() error {
	model := x.r.URL.Query().Get("model")
	x.asks(model)
	switch {
	case model == "":
		return chatError("model", "missing_model", "You must provide a model parameter.")
	case model != "sim-big" && x.served(model, RealtimeModel) != nil:
		return noChatModel(model)
	}
	if f := chatFailures[model]; f != nil && !strings.HasPrefix(model, "sim-error") {
		return f
	}
	if !strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket") {
		return chatError("", "", "This endpoint takes a WebSocket's handshake.")
	}
	conn, err := websocket.Accept(x.w, x.r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}, InsecureSkipVerify: true})
	if err != nil {
		return errLeft
	}
	x.status(http.StatusSwitchingProtocols)
	conn.SetReadLimit(talkMost)
	ctx, cancel := context.WithCancel(context.Background())
	t := &talk{x: x, conn: conn, ctx: ctx, model: model, beta: strings.Contains(x.r.Header.Get("Openai-Beta"), "realtime"), heard: make(chan []byte)}
	t.config.audio = true
	ended := make(chan struct{})
	go t.listen(cancel, ended)
	defer func() { // whichever ends first, both do
		cancel()
		_ = conn.CloseNow()
		<-ended
	}()
	if err := t.serve(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// talk is one session. One goroutine reads the client's events, another answers them.
type talk struct {
	x     *exchange
	conn  *websocket.Conn
	ctx   context.Context // ends with the session
	model string
	beta  bool
	heard chan []byte // events
	later [][]byte    // events that came while an answer was given

	config  talkConfig
	turns   []turn
	pending int // bytes of sound that were not committed
	said    counts
	before  counts // what earlier answers have read: it is cached
	serial  uint64
}

// counts are tokens of a conversation, by kind.
type counts struct{ text, audio int64 }

func (c counts) all() int64 { return c.text + c.audio }

// talkConfig is what session.update sets.
type talkConfig struct {
	instructions string
	audio        bool // answers are spoken
	tools        []tool
	choice       string
	transcriber  string
}

// listen reads events until the client's side closes.
func (t *talk) listen(cancel context.CancelFunc, ended chan<- struct{}) {
	defer close(ended)
	defer cancel()
	for {
		_, event, err := t.conn.Read(context.Background())
		if err != nil {
			t.x.left()
			return
		}
		select {
		case t.heard <- event:
		case <-t.ctx.Done():
			return
		}
	}
}

// serve answers events until the session ends.
func (t *talk) serve() error {
	switch t.model {
	case "sim-hang":
		<-t.ctx.Done()
		return errLeft
	case "sim-error-first":
		if err := t.complain(chatFailures[t.model], ""); err != nil {
			return err
		}
		_ = t.conn.Close(websocket.StatusTryAgainLater, "overloaded")
		return errBroken
	}
	if err := t.send("session.created", t.session); err != nil {
		return err
	}
	for {
		var event []byte
		if len(t.later) > 0 {
			event, t.later = t.later[0], t.later[1:]
		} else {
			select {
			case event = <-t.heard:
			case <-t.ctx.Done():
				return errLeft
			}
		}
		if err := t.event(event); err != nil {
			return err
		}
	}
}

// send writes an event.
func (t *talk) send(kind string, fill func(*rawjson.Writer)) error {
	w := &rawjson.Writer{}
	w.Open('{').Name("type").String(kind).Name("event_id").String(t.ident("event"))
	fill(w)
	return t.write(w.Close('}').Buf)
}

func (t *talk) write(text []byte) error {
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	return t.conn.Write(ctx, websocket.MessageText, text)
}

func (t *talk) ident(kind string) string {
	t.serial++
	return kind + "_" + ident(mix(t.x.seed, t.serial), 20)
}

// complain sends an error event about a client's event, or about none.
func (t *talk) complain(f *refusal, id string) error {
	return t.send("error", func(w *rawjson.Writer) {
		w.Name("error").Open('{').Name("type").String(f.kind)
		orNull(w, "code", f.code)
		w.Name("message").String(f.message)
		orNull(w, "param", f.param)
		orNull(w, "event_id", id)
		w.Close('}')
	})
}

// session writes the settings in force.
func (t *talk) session(w *rawjson.Writer) {
	modality := "text"
	if t.config.audio {
		modality = "audio"
	}
	w.Name("session").Open('{').Name("id").String("sess_" + ident(mix(t.x.seed, 0), 20)).Name("object").String("realtime.session").Name("model").String(t.model)
	transcription := func() {
		if t.config.transcriber == "" {
			w.Null()
			return
		}
		w.Open('{').Name("model").String(t.config.transcriber).Close('}')
	}
	w.Name("instructions").String(t.config.instructions)
	if t.beta {
		w.Name("modalities").Open('[').String(modality).Close(']')
		w.Name("input_audio_transcription")
		transcription()
	} else {
		w.Name("type").String("realtime").Name("output_modalities").Open('[').String(modality).Close(']')
		w.Name("audio").Open('{').Name("input").Open('{').Name("turn_detection").Null().Name("transcription")
		transcription()
		w.Close('}').Close('}')
	}
	w.Close('}')
}

// event does what one event of the client's asks.
func (t *talk) event(event []byte) error {
	id := rawjson.Text(rawjson.Get(event, "event_id"))
	if err := rawjson.Check(event); err != nil || rawjson.Kind(event) != '{' {
		return t.complain(chatError("", "invalid_event", "We could not parse the JSON of your event."), "")
	}
	var bad *refusal
	switch kind := rawjson.Text(rawjson.Get(event, "type")); kind {
	case "session.update":
		if bad = t.update(rawjson.Get(event, "session")); bad == nil {
			return t.send("session.updated", t.session)
		}
	case "input_audio_buffer.append":
		n := len(rawjson.Text(rawjson.Get(event, "audio")))
		if n == 0 || n%4 != 0 {
			bad = chatError("audio", "invalid_value", "Invalid 'audio'. Expected base64-encoded bytes.")
		}
		t.pending += n / 4 * 3
	case "input_audio_buffer.clear":
		t.pending = 0
		return t.send("input_audio_buffer.cleared", func(*rawjson.Writer) {})
	case "input_audio_buffer.commit":
		return t.commit(id)
	case "conversation.item.create":
		return t.item(rawjson.Get(event, "item"), id)
	case "response.create":
		return t.answer()
	case "response.cancel":
		bad = chatError("", "response_cancel_not_active", "Cancellation failed: no active response found")
	case "conversation.item.truncate", "conversation.item.delete", "conversation.item.retrieve":
	default:
		bad = chatError("type", "invalid_value", "Invalid value: '%s'. It is no type of an event.", kind)
	}
	if bad != nil {
		return t.complain(bad, id)
	}
	return nil
}

// update takes over settings.
func (t *talk) update(s []byte) *refusal {
	if rawjson.Kind(s) != '{' {
		return chatError("session", "missing_required_parameter", "Missing required parameter: 'session'.")
	}
	modalities, transcription := "output_modalities", rawjson.Get(s, "audio", "input", "transcription")
	if t.beta {
		modalities, transcription = "modalities", rawjson.Get(s, "input_audio_transcription")
	} else if rawjson.Text(rawjson.Get(s, "type")) != "realtime" {
		return chatError("session.type", "missing_required_parameter", "Missing required parameter: 'session.type'.")
	}
	if m := rawjson.Text(rawjson.Get(s, "model")); m != "" && m != t.model {
		return chatError("session.model", "cannot_update_model", "The model of a session cannot be changed.")
	}
	c := t.config
	if v := rawjson.Get(s, modalities); v != nil {
		c.audio = false
		for _, m := range rawjson.Elems(v) {
			c.audio = c.audio || rawjson.Text(m) == "audio"
		}
	}
	if v := rawjson.Get(s, "instructions"); v != nil {
		c.instructions = rawjson.Text(v)
	}
	if v := rawjson.Get(s, "tools"); v != nil {
		c.tools = nil
		for _, o := range rawjson.Elems(v) {
			c.tools = append(c.tools, tool{name: rawjson.Text(rawjson.Get(o, "name")), schema: rawjson.Get(o, "parameters")})
		}
	}
	if v := rawjson.Get(s, "tool_choice"); v != nil {
		c.choice = rawjson.Text(v)
	}
	if transcription != nil {
		c.transcriber = rawjson.Text(rawjson.Get(transcription, "model"))
	}
	t.config = c
	return nil
}

// commit makes the sound that was sent a turn, and says what it heard where it is to.
func (t *talk) commit(id string) error {
	if t.pending < soundBytes/10 {
		return t.complain(chatError("", "input_audio_buffer_commit_empty", "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio."), id)
	}
	heard := int64(t.pending*soundTokens/soundBytes) + 1
	ms := int64(t.pending) * 1000 / soundBytes
	t.pending = 0
	item := t.ident("item")
	t.said.audio += heard
	transcript := "I was given sound, and nobody listened to it."
	t.add(turn{texts: []string{transcript}})
	if err := t.send("input_audio_buffer.committed", func(w *rawjson.Writer) { w.Name("item_id").String(item) }); err != nil {
		return err
	}
	if err := t.added(item, `{"type":"message","role":"user","content":[{"type":"input_audio","transcript":null}]}`); err != nil || t.config.transcriber == "" {
		return err
	}
	return t.send("conversation.item.input_audio_transcription.completed", func(w *rawjson.Writer) {
		w.Name("item_id").String(item).Name("content_index").Int(0).Name("transcript").String(transcript)
		w.Name("usage").Open('{')
		if strings.Contains(t.config.transcriber, "whisper") {
			w.Name("type").String("duration").Name("seconds").Num(seconds(ms))
		} else {
			out := tokens(len(transcript))
			w.Name("type").String("tokens").Name("total_tokens").Int(heard + out).Name("input_tokens").Int(heard)
			w.Name("input_token_details").Open('{').Name("text_tokens").Int(0).Name("audio_tokens").Int(heard).Close('}')
			w.Name("output_tokens").Int(out)
		}
		w.Close('}')
	})
}

// item puts a turn into the conversation.
func (t *talk) item(v []byte, id string) error {
	switch rawjson.Text(rawjson.Get(v, "type")) {
	case "message":
		one := turn{assistant: rawjson.Text(rawjson.Get(v, "role")) == "assistant"}
		for _, part := range rawjson.Elems(rawjson.Get(v, "content")) {
			switch rawjson.Text(rawjson.Get(part, "type")) {
			case "input_text", "output_text", "text":
				text := rawjson.Text(rawjson.Get(part, "text"))
				one.texts = append(one.texts, text)
				t.said.text += tokens(len(text))
			case "input_audio":
				t.said.audio += int64(len(rawjson.Text(rawjson.Get(part, "audio")))/4*3*soundTokens/soundBytes) + 1
			}
		}
		t.add(one)
	case "function_call_output":
		output := rawjson.Text(rawjson.Get(v, "output"))
		name := "the function"
		for _, earlier := range t.turns {
			for _, c := range earlier.calls {
				if c.id == rawjson.Text(rawjson.Get(v, "call_id")) {
					name = c.name
				}
			}
		}
		t.said.text += tokens(len(output))
		t.add(turn{results: []result{{name: name, text: output}}})
	default:
		return t.complain(chatError("item.type", "invalid_value", "Invalid value for 'item.type'."), id)
	}
	item := rawjson.Text(rawjson.Get(v, "id"))
	if item == "" {
		item = t.ident("item")
	}
	return t.added(item, string(v))
}

// add appends a turn; neighbours of a role are one.
func (t *talk) add(one turn) {
	q := question{turns: t.turns}
	q.add(one)
	t.turns = q.turns
}

// added tells that an item is in the conversation.
func (t *talk) added(id, item string) error {
	tell := func(w *rawjson.Writer) {
		w.Name("previous_item_id").Null().Name("item").Open('{').Name("id").String(id).Name("object").String("realtime.item").Name("status").String("completed")
		for name, v := range rawjson.Members([]byte(item)) {
			if n := string(name); n != "id" && n != "object" && n != "status" {
				w.Name(n).Raw(v)
			}
		}
		w.Close('}')
	}
	if t.beta {
		return t.send("conversation.item.created", tell)
	}
	if err := t.send("conversation.item.added", tell); err != nil {
		return err
	}
	return t.send("conversation.item.done", tell)
}
