package telemetry

import (
	"bytes"
	"log/slog"
	"strconv"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Bounds of the lists in a line. How many entries are beyond is written beside the list.
const (
	maxAttempts = 16
	maxPassed   = 32
	maxLosses   = 32
)

// keepBytes is how large a buffer is kept for the next batch.
const keepBytes = batchBytes + 64<<10

// encoder appends lines to a buffer. The zero value is ready.
type encoder struct {
	w       rawjson.Writer
	scratch []byte
}

// bytes returns the lines since the last reset; they are valid until the next call of any other method.
func (e *encoder) bytes() []byte { return e.w.Buf }

func (e *encoder) reset() {
	if cap(e.w.Buf) > keepBytes {
		e.w.Buf = nil
	}
	e.w = rawjson.Writer{Buf: e.w.Buf[:0]}
}

// line adds a finished line.
func (e *encoder) line(line []byte) { e.w.Buf = append(e.w.Buf, line...) }

// dropped adds the line that confesses lost ones.
func (e *encoder) dropped(now time.Time, n uint64) {
	e.open(now, slog.LevelWarn, "records dropped")
	e.w.Name("count").Int(int64(n))
	e.end()
}

// open begins a line as slog's JSON handler does.
func (e *encoder) open(at time.Time, level slog.Level, msg string) {
	e.w = rawjson.Writer{Buf: e.w.Buf} // forgets the line before, or a comma would follow it
	e.w.Open('{')
	e.scratch = append(e.scratch[:0], '"')
	e.scratch = at.UTC().AppendFormat(e.scratch, time.RFC3339Nano)
	e.scratch = append(e.scratch, '"')
	e.w.Name(slog.TimeKey).Raw(e.scratch)
	e.w.Name(slog.LevelKey).String(level.String())
	e.w.Name(slog.MessageKey).String(msg)
}

func (e *encoder) end() {
	e.w.Close('}')
	e.w.Buf = append(e.w.Buf, '\n')
}

// exchange adds the line of an exchange; the package comment lists its members.
func (e *encoder) exchange(x *gateway.Exchange) {
	e.open(x.Start.Add(x.Took), level(x), "exchange")
	e.word("id", x.ID)
	e.word("ending", string(x.Ending))
	e.int("http.response.status_code", int64(x.Status))
	e.request(x)
	if t := x.Answered(); t != (gateway.Target{}) {
		e.target("target", t)
	}
	e.answer(x)
	e.fault("fault", x.Fault)
	e.attempts(x.Attempts)
	e.passedOver(x.Plan.PassedOver)
	e.losses(x.Losses)
	e.w.Name("http.request.body.size").Int(x.BytesIn)
	e.w.Name("http.response.body.size").Int(x.BytesOut)
	e.ms("first_byte_ms", x.FirstByte)
	e.ms("first_event_ms", x.FirstEvent)
	e.w.Name("took_ms").Raw(e.millis(x.Took))
	e.end()
}

// level says how loud a line is: what an operator must see stands out, what a client did wrong does not.
func level(x *gateway.Exchange) slog.Level {
	switch {
	case x.Fault != nil && x.Fault.Kind == fault.Internal && x.Fault.Origin == fault.Here:
		return slog.LevelError
	case x.Ending == gateway.Failed || x.Ending == gateway.Cut:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// request writes who asked what, where.
func (e *encoder) request(x *gateway.Exchange) {
	e.word("revision", x.Revision)
	if x.Grant != nil {
		e.word("key", x.Grant.Key)
		e.name("user", x.Grant.User)
		e.name("project", x.Grant.Project)
		e.name("team", x.Grant.Team)
		e.name("organisation", x.Grant.Organisation)
	}
	e.name("end_user", x.EndUser)
	e.name("session", x.Session)
	e.tags(x.Tags)
	e.name("rule", x.Plan.Rule)
	if x.Client.IsValid() {
		e.scratch = append(e.scratch[:0], '"')
		e.scratch = x.Client.WithZone("").AppendTo(e.scratch)
		e.scratch = append(e.scratch, '"')
		e.w.Name("client.address").Raw(e.scratch)
	}
	e.name("user_agent.original", x.Agent)
	e.name("http.request.method", x.Method)
	e.name("url.path", x.Path)
	e.word("dialect", string(x.Dialect))
	e.word("gen_ai.operation.name", string(x.Op))
	e.name("gen_ai.request.model", x.Head.Model)
	if x.Head.Model != "" {
		e.w.Name("gen_ai.request.stream").Bool(x.Head.Stream)
	}
	e.int("gen_ai.request.max_tokens", x.Head.MaxOutput)
	if x.Head.N != 1 {
		e.int("gen_ai.request.choice.count", x.Head.N)
	}
	if x.Strict {
		e.w.Name("strict").Bool(true)
	}
	e.name("batch", x.Batch)
}

// answer writes what is known of the answer except the answer.
func (e *encoder) answer(x *gateway.Exchange) {
	e.name("gen_ai.response.model", x.Model)
	e.name("gen_ai.response.id", x.AnswerID)
	// Stop's Sequence, Detail and Raw hold words of the prompt or the answer and are left out.
	if x.Stop.Native != "" {
		e.w.Name("gen_ai.response.finish_reasons").Open('[').String(bounded(x.Stop.Native, MaxName)).Close(']')
	}
	e.word("stop", string(x.Stop.Reason))
	if x.Usage != nil {
		e.usage(x.Usage)
	}
	if x.Price != "" {
		e.w.Name("cost_usd").Raw([]byte(x.Cost.String()[1:])) // an exact decimal after the sign of the dollar
	}
	e.name("price", x.Price)
	e.name("unpriced", x.Unpriced)
	if x.Overrun > 0 {
		e.w.Name("overrun_usd").Raw([]byte(x.Overrun.String()[1:]))
	}
	if x.Capped > 0 {
		e.int("capped", x.Capped)
		e.name("capped_by", x.CappedBy)
	}
	e.session(x)
}

// tags writes what the client gave to find the exchange by.
func (e *encoder) tags(tags []string) {
	if len(tags) == 0 {
		return
	}
	e.w.Name("tags").Open('[')
	for _, t := range tags {
		e.w.String(bounded(t, MaxName))
	}
	e.w.Close(']')
}

// usageFields are the counts a provider can state, with their names in a line.
var usageFields = [...]struct {
	said  llm.Fields
	name  string
	value func(*llm.Usage) int64
}{
	{llm.SaidInput, "gen_ai.usage.input_tokens", func(u *llm.Usage) int64 { return u.Input }},
	{llm.SaidOutput, "gen_ai.usage.output_tokens", func(u *llm.Usage) int64 { return u.Output }},
	{llm.SaidCacheRead, "gen_ai.usage.cache_read.input_tokens", func(u *llm.Usage) int64 { return u.CacheRead }},
	{llm.SaidCacheWrite, "gen_ai.usage.cache_creation.input_tokens", func(u *llm.Usage) int64 { return u.CacheWrite }},
	{llm.SaidReasoning, "gen_ai.usage.reasoning.output_tokens", func(u *llm.Usage) int64 { return u.Reasoning }},
	{llm.SaidCacheWrite1h, "usage.cache_creation_1h_tokens", func(u *llm.Usage) int64 { return u.CacheWrite1h }},
	{llm.SaidInputAudio, "usage.input_audio_tokens", func(u *llm.Usage) int64 { return u.InputAudio }},
	{llm.SaidInputImage, "usage.input_image_tokens", func(u *llm.Usage) int64 { return u.InputImage }},
	{llm.SaidOutputAudio, "usage.output_audio_tokens", func(u *llm.Usage) int64 { return u.OutputAudio }},
	{llm.SaidOutputImage, "usage.output_image_tokens", func(u *llm.Usage) int64 { return u.OutputImage }},
	{llm.SaidToolInput, "usage.tool_input_tokens", func(u *llm.Usage) int64 { return u.ToolInput }},
	{llm.SaidTotal, "usage.total_tokens", func(u *llm.Usage) int64 { return u.Total }},
	{llm.SaidBilledInput, "usage.billed_input_units", func(u *llm.Usage) int64 { return u.BilledInput }},
	{llm.SaidBilledOutput, "usage.billed_output_units", func(u *llm.Usage) int64 { return u.BilledOutput }},
	{llm.SaidSearches, "usage.searches", func(u *llm.Usage) int64 { return u.Searches }},
	{llm.SaidFetches, "usage.fetches", func(u *llm.Usage) int64 { return u.Fetches }},
	{llm.SaidPages, "usage.pages", func(u *llm.Usage) int64 { return u.Pages }},
	{llm.SaidAnnotatedPages, "usage.annotated_pages", func(u *llm.Usage) int64 { return u.AnnotatedPages }},
	{llm.SaidHeard, "usage.input_audio_milliseconds", func(u *llm.Usage) int64 { return u.Heard }},
}

// usage writes every stated count, and what a bill counts where it is not the stated input and output.
func (e *encoder) usage(u *llm.Usage) {
	for i := range usageFields {
		if f := &usageFields[i]; u.Has(f.said) {
			e.w.Name(f.name).Int(f.value(u))
		}
	}
	if in, out := u.Billable(); in != u.Input || out != u.Output {
		e.w.Name("usage.billable_input_tokens").Int(in)
		e.w.Name("usage.billable_output_tokens").Int(out)
	}
	if u.Estimated != 0 {
		e.w.Name("usage.estimated").Bool(true)
	}
	e.int("usage.rounds", int64(len(u.Rounds)))
	// A number is JSON with the white space around it, a line break too.
	if c := bytes.TrimSpace([]byte(u.Cost)); len(c) > 0 && len(c) <= 64 && rawjson.Kind(c) == '0' && rawjson.Check(c) == nil {
		e.w.Name("usage.cost_usd").Raw(c)
	}
	e.name("usage.tier", u.Tier)
}

func (e *encoder) fault(name string, f *fault.Fault) {
	if f == nil {
		return
	}
	e.w.Name(name).Open('{')
	e.word("kind", f.Kind.String())
	e.text("message", f.Message)
	e.name("param", f.Param)
	e.name("code", f.Code)
	e.name("native", f.NativeType)
	if f.Cause != nil {
		e.text("cause", f.Cause.Error())
	}
	e.w.Close('}')
}

func (e *encoder) attempts(attempts []gateway.Attempt) {
	if len(attempts) == 0 {
		return
	}
	e.w.Name("attempts").Open('[')
	for i := range attempts[:min(len(attempts), maxAttempts)] {
		a := &attempts[i]
		e.w.Open('{')
		e.target("target", a.Target)
		e.word("dialect", string(a.Dialect))
		e.word("mode", string(a.Mode))
		e.w.Name("start_ms").Raw(e.millis(a.Start))
		e.ms("head_ms", a.Head)
		e.ms("first_event_ms", a.FirstEvent)
		e.w.Name("took_ms").Raw(e.millis(a.Took))
		e.int("status", int64(a.Status))
		e.name("upstream_id", a.UpstreamID)
		e.int("losses", int64(len(a.Losses)))
		e.prepared(a.Prepared)
		if a.State != "" {
			e.name("state", string(a.State))
			e.w.Name("held_usd").Raw([]byte(a.Held.String()[1:]))
			e.w.Name("cost_usd").Raw([]byte(a.Cost.String()[1:]))
		}
		e.fault("fault", a.Fault)
		e.w.Close('}')
	}
	e.w.Close(']')
	e.int("attempts_more", int64(len(attempts)-maxAttempts))
}

// prepared writes what the model's transforms did to the request.
func (e *encoder) prepared(steps []string) {
	if len(steps) == 0 {
		return
	}
	e.w.Name("prepared").Open('[')
	for _, s := range steps[:min(len(steps), maxLosses)] {
		e.w.String(bounded(s, MaxName))
	}
	e.w.Close(']')
	e.int("prepared_more", int64(len(steps)-maxLosses))
}

func (e *encoder) passedOver(all []gateway.Candidate) {
	if len(all) == 0 {
		return
	}
	e.w.Name("passed_over").Open('[')
	for i := range all[:min(len(all), maxPassed)] {
		e.w.Open('{')
		e.target("target", all[i].Target)
		e.text("why", all[i].Why)
		e.w.Close('}')
	}
	e.w.Close(']')
	e.int("passed_over_more", int64(len(all)-maxPassed))
}

func (e *encoder) losses(all []llm.Loss) {
	if len(all) == 0 {
		return
	}
	e.w.Name("losses").Open('[')
	for i := range all[:min(len(all), maxLosses)] {
		e.w.Open('{')
		e.name("path", all[i].Path)
		e.text("why", all[i].Why)
		e.word("grade", all[i].Grade.String())
		e.w.Close('}')
	}
	e.w.Close(']')
	e.int("losses_more", int64(len(all)-maxLosses))
}

// word writes a word of ours or of the document, if there is one.
func (e *encoder) word(name, s string) {
	if s != "" {
		e.w.Name(name).String(s)
	}
}

// text writes a message that may come from elsewhere, if there is one.
func (e *encoder) text(name, s string) {
	if s != "" {
		e.w.Name(name).String(bounded(s, MaxText))
	}
}

// name writes a name, id or path that may come from elsewhere, if there is one.
func (e *encoder) name(name, s string) {
	if s != "" {
		e.w.Name(name).String(bounded(s, MaxName))
	}
}

func (e *encoder) target(name string, t gateway.Target) { e.name(name, t.String()) }

// int writes a number above zero.
func (e *encoder) int(name string, n int64) {
	if n > 0 {
		e.w.Name(name).Int(n)
	}
}

// ms writes a duration above zero.
func (e *encoder) ms(name string, d time.Duration) {
	if d > 0 {
		e.w.Name(name).Raw(e.millis(d))
	}
}

// millis returns d in milliseconds, to the microsecond, without trailing zeros; it is valid until the next call.
func (e *encoder) millis(d time.Duration) []byte {
	us := max(d.Microseconds(), 0)
	b := strconv.AppendInt(e.scratch[:0], us/1000, 10)
	if rest := us % 1000; rest > 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	e.scratch = b
	return b
}
