package engine

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// told are the units whose limits clients are told of, with the headers that say the limit, what is left of it and when it
// is whole again: as OpenAI's SDKs read them, which others took over, and as Anthropic's do.
var told = [...]struct {
	unit            gateway.Unit
	usual, messages [3]string
}{
	{
		gateway.Requests,
		[3]string{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"},
		[3]string{"Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Reset"},
	},
	{
		gateway.Tokens,
		[3]string{"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
		[3]string{"Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Tokens-Reset"},
	},
	{
		gateway.InputTokens,
		[3]string{"X-Ratelimit-Limit-Input-Tokens", "X-Ratelimit-Remaining-Input-Tokens", "X-Ratelimit-Reset-Input-Tokens"},
		[3]string{"Anthropic-Ratelimit-Input-Tokens-Limit", "Anthropic-Ratelimit-Input-Tokens-Remaining", "Anthropic-Ratelimit-Input-Tokens-Reset"},
	},
	{
		gateway.OutputTokens,
		[3]string{"X-Ratelimit-Limit-Output-Tokens", "X-Ratelimit-Remaining-Output-Tokens", "X-Ratelimit-Reset-Output-Tokens"},
		[3]string{"Anthropic-Ratelimit-Output-Tokens-Limit", "Anthropic-Ratelimit-Output-Tokens-Remaining", "Anthropic-Ratelimit-Output-Tokens-Reset"},
	},
}

// standings tells the client how its limits stand, in the headers that its dialect's SDKs read. What the provider says of
// its own limits is taken out: those are the gateway's, not the client's. The tightest limit of each unit comes first.
func (c *call) standings(h http.Header) {
	all := c.x.Standings
	if len(all) == 0 {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "Anthropic-Ratelimit-") {
			delete(h, name)
		}
	}
	messages := false
	switch c.x.Dialect {
	case llm.AnthropicMessages, llm.AnthropicBatches, llm.AnthropicFiles:
		messages = true
	}
	var room [3 * 4 * 24]byte
	var ends [3 * len(told)]int
	var names [3 * len(told)]string
	text, n := room[:0], 0
	for i := range told {
		s := tightest(all, told[i].unit)
		if s == nil {
			continue
		}
		three := &told[i].usual
		if messages {
			three = &told[i].messages
		}
		text = strconv.AppendInt(text, s.Pot.Amount, 10)
		names[n], ends[n] = three[0], len(text)
		text = strconv.AppendInt(text, max(s.Left, 0), 10)
		names[n+1], ends[n+1] = three[1], len(text)
		if messages {
			text = c.x.Start.Add(s.Full).UTC().AppendFormat(text, time.RFC3339)
		} else {
			text = appendSpan(text, s.Full)
		}
		names[n+2], ends[n+2] = three[2], len(text)
		n += 3
	}
	if n == 0 {
		return
	}
	whole, values, from := string(text), make([]string, n), 0 // one text and one list for all
	for i := range n {
		values[i] = whole[from:ends[i]]
		h[names[i]] = values[i : i+1 : i+1]
		from = ends[i]
	}
}

// tightest returns the first standing of a unit.
func tightest(all []gateway.Standing, unit gateway.Unit) *gateway.Standing {
	for i := range all {
		if all[i].Pot.Unit == unit {
			return &all[i]
		}
	}
	return nil
}

// appendSpan writes a span as OpenAI does: 1s, 6m0s, 20ms.
func appendSpan(dst []byte, d time.Duration) []byte {
	if d = max(d, 0).Round(time.Millisecond); d < time.Second {
		return append(strconv.AppendInt(dst, d.Milliseconds(), 10), "ms"...)
	}
	if h := d / time.Hour; h > 0 {
		dst = append(strconv.AppendInt(dst, int64(h), 10), 'h')
	}
	if d >= time.Minute {
		dst = append(strconv.AppendInt(dst, int64(d/time.Minute%60), 10), 'm')
	}
	dst = strconv.AppendInt(dst, int64(d/time.Second%60), 10)
	if ms := d / time.Millisecond % 1000; ms > 0 {
		dst = append(dst, '.')
		digits := strconv.AppendInt(nil, int64(ms)+1000, 10)[1:]
		for len(digits) > 1 && digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		dst = append(dst, digits...)
	}
	return append(dst, 's')
}
