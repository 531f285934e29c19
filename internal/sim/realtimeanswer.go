package sim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"weir/internal/rawjson"
)

// seconds writes milliseconds as a number of seconds.
func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }

// reply is one answer of a session.
type reply struct {
	t         *talk
	id        string
	a         answer
	spoken    int64 // tokens of sound
	sent      int   // pieces
	cancelled bool
	output    [][]byte // items that are done
}

// answer gives an answer, event by event.
func (t *talk) answer() error {
	m := Model{ID: t.model, Context: defaultContext, MaxOutput: defaultMaxOutput}
	if _, fails := breakages[t.model]; fails || t.model == RealtimeModel {
		m.ID = DefaultModel // which answers as everywhere
	}
	q := &question{
		model: m, system: t.config.instructions, turns: t.turns, tools: t.config.tools, choice: choice{mode: "auto"}, n: 1,
		seed: mix(t.x.seed, t.serial), same: t.x.p.Seed, script: t.x.p.Script, stream: true,
	}
	switch t.config.choice {
	case "none":
		q.choice.mode = "none"
	case "required":
		q.choice.mode = "any"
	}
	r := &reply{t: t, id: t.ident("resp"), a: q.answer(0)}
	if err := r.tell("response.created", "in_progress"); err != nil {
		return err
	}
	err := r.items()
	if errors.Is(err, errBroken) {
		return r.tell("response.done", "failed")
	}
	if err != nil {
		return err
	}
	read := counts{text: tokens(len(t.config.instructions)) + t.said.text, audio: t.said.audio}
	status := "completed"
	if r.cancelled {
		status = "cancelled"
	}
	err = r.tell("response.done", status)
	t.before = read
	t.said.text += r.a.output
	t.said.audio += r.spoken
	t.add(turn{assistant: true, texts: []string{r.a.text}, calls: r.a.calls})
	return err
}

// tell sends an event that holds the answer itself.
func (r *reply) tell(kind, status string) error {
	t := r.t
	return t.send(kind, func(w *rawjson.Writer) {
		w.Name("response").Open('{').Name("object").String("realtime.response").Name("id").String(r.id).Name("status").String(status)
		switch w.Name("status_details"); status {
		case "cancelled":
			w.Open('{').Name("type").String("cancelled").Name("reason").String("client_cancelled").Close('}')
		case "failed":
			w.Open('{').Name("type").String("failed").Name("error").Open('{').Name("type").String("server_error").Name("code").Null().Close('}').Close('}')
		default:
			w.Null()
		}
		w.Name("output").Open('[')
		for _, item := range r.output {
			w.Raw(item)
		}
		w.Close(']').Name("metadata").Null().Name("usage")
		if kind != "response.done" {
			w.Null().Close('}')
			return
		}
		r.usage(w)
		w.Close('}')
	})
}

// usage writes what the answer used. What earlier answers have read already comes from the cache.
func (r *reply) usage(w *rawjson.Writer) {
	t := r.t
	read := counts{text: tokens(len(t.config.instructions)) + t.said.text, audio: t.said.audio}
	cached := counts{text: min(t.before.text, read.text), audio: min(t.before.audio, read.audio)}
	w.Open('{').Name("total_tokens").Int(read.all() + r.a.output + r.spoken).Name("input_tokens").Int(read.all()).Name("output_tokens").Int(r.a.output + r.spoken)
	w.Name("input_token_details").Open('{').Name("text_tokens").Int(read.text).Name("audio_tokens").Int(read.audio).Name("image_tokens").Int(0)
	w.Name("cached_tokens").Int(cached.all()).Name("cached_tokens_details").Open('{')
	w.Name("text_tokens").Int(cached.text).Name("audio_tokens").Int(cached.audio).Name("image_tokens").Int(0).Close('}').Close('}')
	w.Name("output_token_details").Open('{').Name("text_tokens").Int(r.a.output).Name("audio_tokens").Int(r.spoken).Close('}').Close('}')
}

// items sends the text, spoken or written, then the calls.
func (r *reply) items() error {
	index := 0
	if r.a.text != "" {
		if err := r.message(index); err != nil {
			return err
		}
		index++
	}
	for _, c := range r.a.calls {
		if err := r.call(index, c); err != nil {
			return err
		}
		index++
	}
	return nil
}

// place writes where in the answer something stands.
func (r *reply) place(w *rawjson.Writer, item string, index int) {
	w.Name("response_id").String(r.id).Name("item_id").String(item).Name("output_index").Int(int64(index))
}

// delta sends a piece of the answer after the pace's pause. It breaks where the model's name says so, and notes what the
// client says meanwhile.
func (r *reply) delta(kind, item string, index int, text string) error {
	t := r.t
	if r.cancelled {
		return nil
	}
	if r.sent++; r.sent == 4 {
		if err := r.breakOff(); err != nil {
			return err
		}
	}
	pace := t.x.p.Pace
	if pace == 0 {
		pace = defaultPace
	}
	pause := time.NewTimer(max(pace, 0))
	defer pause.Stop()
	for waiting := true; waiting; {
		select {
		case <-t.ctx.Done():
			return errLeft
		case event := <-t.heard:
			if rawjson.Text(rawjson.Get(event, "type")) == "response.cancel" {
				r.cancelled = true
				return nil
			}
			if len(t.later) < 256 {
				t.later = append(t.later, event)
			}
		case <-pause.C:
			waiting = false
		}
	}
	return t.send(kind, func(w *rawjson.Writer) {
		r.place(w, item, index)
		if !strings.Contains(kind, "function") {
			w.Name("content_index").Int(0)
		}
		w.Name("delta").String(text)
	})
}

// breakOff does what the model's name promises in the middle of an answer.
func (r *reply) breakOff() error {
	t := r.t
	switch t.model {
	case "sim-cut":
		_ = t.conn.CloseNow()
		return errLeft
	case "sim-stall":
		<-t.ctx.Done()
		return errLeft
	case "sim-error-in-stream":
		if err := t.complain(chatFailures[t.model], ""); err != nil {
			return err
		}
		return errBroken
	case "sim-garbage":
		if err := t.conn.Write(t.ctx, websocket.MessageText, []byte(garbage)); err != nil {
			return err
		}
		return t.conn.Write(t.ctx, websocket.MessageBinary, []byte{0xff, 0x00, 0xfe})
	case "sim-big":
		return t.write(slices.Concat([]byte(`{"type":"response.output_audio.delta","delta":"`), make([]byte, hugeEvent), []byte(`"}`)))
	}
	return nil
}

// message sends the answer's text, and its sound where the session is a spoken one.
func (r *reply) message(index int) error {
	t := r.t
	item := t.ident("item")
	part := map[bool]string{true: "output_audio", false: "output_text"}[t.config.audio]
	delta := map[bool]string{true: "response.output_audio_transcript", false: "response.output_text"}[t.config.audio]
	sound := "response.output_audio"
	if t.beta {
		part, delta = strings.TrimPrefix(part, "output_"), strings.Replace(delta, "output_", "", 1)
		sound = "response.audio"
	}
	written := map[bool]string{true: "transcript", false: "text"}[t.config.audio]
	open := func(status, text string) []byte {
		w := &rawjson.Writer{}
		w.Open('{').Name("id").String(item).Name("object").String("realtime.item").Name("type").String("message").Name("status").String(status)
		w.Name("role").String("assistant").Name("content").Open('[')
		if status != "in_progress" {
			w.Open('{').Name("type").String(part).Name(written).String(text).Close('}')
		}
		return w.Close(']').Close('}').Buf
	}
	if err := r.begin(index, item, open("in_progress", "")); err != nil {
		return err
	}
	var spoken strings.Builder
	for _, piece := range pieces(r.a.text) {
		if err := r.delta(delta+".delta", item, index, piece); err != nil {
			return err
		}
		if !r.cancelled {
			spoken.WriteString(piece)
		}
	}
	text := spoken.String()
	if r.a.text = text; t.config.audio {
		letters := len([]rune(text))
		r.spoken = int64(letters*perLetter*soundTokens/1000) + 1
		for piece := range slices.Chunk(tone(t.x.seed, min(letters, 200)*perLetter*soundRate/1000), soundPiece) {
			if err := r.delta(sound+".delta", item, index, base64.StdEncoding.EncodeToString(piece)); err != nil {
				return err
			}
		}
		if err := t.send(sound+".done", func(w *rawjson.Writer) { r.place(w, item, index); w.Name("content_index").Int(0) }); err != nil {
			return err
		}
	}
	if err := t.send(delta+".done", func(w *rawjson.Writer) {
		r.place(w, item, index)
		w.Name("content_index").Int(0).Name(written).String(text)
	}); err != nil {
		return err
	}
	return r.done(index, open("completed", text))
}

// call sends a call of a function.
func (r *reply) call(index int, c call) error {
	t := r.t
	item := t.ident("item")
	open := func(status, args string) []byte {
		w := &rawjson.Writer{}
		w.Open('{').Name("id").String(item).Name("object").String("realtime.item").Name("type").String("function_call").Name("status").String(status)
		return w.Name("call_id").String(c.id).Name("name").String(c.name).Name("arguments").String(args).Close('}').Buf
	}
	if err := r.begin(index, item, open("in_progress", "")); err != nil {
		return err
	}
	for _, piece := range pieces(c.args) {
		if err := r.delta("response.function_call_arguments.delta", item, index, piece); err != nil {
			return err
		}
	}
	if err := t.send("response.function_call_arguments.done", func(w *rawjson.Writer) {
		r.place(w, item, index)
		w.Name("call_id").String(c.id).Name("name").String(c.name).Name("arguments").String(c.args)
	}); err != nil {
		return err
	}
	return r.done(index, open("completed", c.args))
}

// begin and done send the events around an item.
func (r *reply) begin(index int, id string, item []byte) error {
	if err := r.t.send("response.output_item.added", func(w *rawjson.Writer) {
		w.Name("response_id").String(r.id).Name("output_index").Int(int64(index)).Name("item").Raw(item)
	}); err != nil {
		return err
	}
	return r.t.added(id, string(item))
}

func (r *reply) done(index int, item []byte) error {
	r.output = append(r.output, item)
	return r.t.send("response.output_item.done", func(w *rawjson.Writer) {
		w.Name("response_id").String(r.id).Name("output_index").Int(int64(index)).Name("item").Raw(item)
	})
}
