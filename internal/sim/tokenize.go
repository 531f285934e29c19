package sim

import (
	"cmp"
	"net/http"

	"weir/internal/rawjson"
)

var tokenizeMembers = map[string]func(*chatReader, []byte){
	"model": nil, "prompt": nil, "messages": nil, "tools": nil, "add_special_tokens": isBool("add_special_tokens"),
	"return_token_strs": isBool("return_token_strs"), "add_generation_prompt": isBool("add_generation_prompt"),
	"continue_final_message": isBool("continue_final_message"), "chat_template": isText("chat_template"),
	"chat_template_kwargs": isObject("chat_template_kwargs"), "mm_processor_kwargs": isObject("mm_processor_kwargs"),
}

// tokenBytes is how many bytes of a text are a token.
const tokenBytes = 4

// tokenize answers POST /tokenize as vLLM does. A conversation has as many tokens as an answer to it would say.
func (x *exchange) tokenize() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &chatReader{body: x.body}
	c.members(tokenizeMembers)
	c.defaultModel()
	var ids []int64
	switch {
	case c.get("messages") != nil && c.get("prompt") != nil:
		c.fail("messages", "", "prompt and messages exclude each other")
	case c.get("messages") != nil:
		c.takeTools()
		c.readMessages(c.get("messages"))
		c.readTools()
		ids = make([]int64, c.q.size())
	default:
		text := []byte(c.text(c.get("prompt"), "prompt"))
		var said []int64
		for len(text) > 0 {
			n := min(tokenBytes, len(text))
			said = append(said, tokenOf(text[:n]))
			text = text[n:]
		}
		ids = said
	}
	if c.bad != nil {
		return c.bad
	}
	if done, err := x.misbehave(c.q.model.ID, false); done || err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("count").Int(int64(len(ids))).Name("max_model_len").Int(c.q.model.Context).Name("tokens").Open('[')
	for _, id := range ids {
		w.Int(id)
	}
	w.Close(']').Name("token_strs").Null().Close('}')
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

// defaultModel reads which model is asked for; one that is not named is the first.
func (c *chatReader) defaultModel() {
	id := cmp.Or(rawjson.Text(c.get("model")), DefaultModel)
	m, known := findModel(id)
	if !known && c.bad == nil {
		c.bad = noChatModel(id)
	}
	c.q.model = m
}

// tokenOf is the number that stands for some bytes: each is a digit from 1 to 256.
func tokenOf(b []byte) (n int64) {
	for _, c := range b {
		n = n*257 + int64(c) + 1
	}
	return n
}

// detokenize answers POST /detokenize.
func (x *exchange) detokenize() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &chatReader{body: x.body}
	c.members(map[string]func(*chatReader, []byte){"model": nil, "tokens": nil})
	c.defaultModel()
	v := c.get("tokens")
	if rawjson.Kind(v) != '[' {
		c.wrongType("tokens", "an array of integers", v)
	}
	var text []byte
	for _, e := range rawjson.Elems(v) {
		n, ok := rawjson.Int(e)
		if !ok || n < 0 {
			c.wrongType("tokens", "an array of integers", e)
			break
		}
		at := len(text)
		for ; n > 0; n /= 257 {
			text = append(text, 0)
			copy(text[at+1:], text[at:])
			text[at] = byte(n%257 - 1)
		}
	}
	if c.bad != nil {
		return c.bad
	}
	w := rawjson.Writer{}
	x.write(http.StatusOK, "application/json", w.Open('{').Name("prompt").String(string(text)).Close('}').Buf)
	return nil
}
