package engine

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"weir/internal/fault"
	"weir/internal/rawjson"
)

// The headers by which a client says for whom it asks, what belongs together, and what it wants to find again.
const (
	userHeader    = "X-Weir-User"
	sessionHeader = "X-Weir-Session"
	tagsHeader    = "X-Weir-Tags" // NAME=VALUE, separated by commas
)

// Bounds of them.
const (
	whoMost  = 128
	tagsMost = 8
)

// who reads for whom the client asks. Where a policy tells end users apart, the members that dialects have for it count too.
func (c *call) who() error {
	x, h := c.x, c.r.Header
	var err error
	if x.EndUser, err = named1(h, userHeader); err != nil {
		return err
	}
	if x.Session, err = named1(h, sessionHeader); err != nil {
		return err
	}
	if lines := h[tagsHeader]; len(lines) > 0 {
		if x.Tags, err = tags(lines); err != nil {
			return err
		}
	}
	if x.EndUser == "" && c.s.EndUsers {
		x.EndUser = endUser(c.in.Body)
	}
	return nil
}

// named1 reads a header that holds one name.
func named1(h http.Header, header string) (string, error) {
	values := h[header]
	if len(values) == 0 {
		return "", nil
	}
	if v := strings.TrimSpace(values[0]); len(values) == 1 && len(v) <= whoMost && plainName(v) {
		return v, nil
	}
	return "", refusal("", "the header "+strings.ToLower(header)+" holds one name of at most 128 printable characters")
}

func plainName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xfffd }) < 0
}

// tags reads NAME=VALUE pairs. Each name may be there once.
func tags(lines []string) ([]string, error) {
	var out []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ",") {
			if pair = strings.TrimSpace(pair); pair == "" {
				continue
			}
			name, value, ok := strings.Cut(pair, "=")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if !ok || name == "" || value == "" || len(name)+len(value) > whoMost || !plainName(pair) {
				return nil, refusal("", "the header x-weir-tags holds NAME=VALUE pairs, separated by commas, each of at most 128 printable characters")
			}
			out = append(out, name+"="+value)
		}
	}
	if len(out) > tagsMost {
		return nil, fault.New(fault.Malformed, "the header x-weir-tags holds %d tags; there may be %d", len(out), tagsMost)
	}
	slices.Sort(out)
	for i := 1; i < len(out); i++ {
		a, _, _ := strings.Cut(out[i-1], "=")
		if b, _, _ := strings.Cut(out[i], "="); a == b {
			return nil, fault.New(fault.Malformed, "the header x-weir-tags names %s twice", a)
		}
	}
	return out, nil
}

var userNames = [...]string{"safety_identifier", "user", "metadata"}

// endUser reads the member by which a dialect names the client's own user.
func endUser(body []byte) string {
	for _, name := range userNames {
		if !bytes.Contains(body, []byte(`"`+name+`"`)) {
			continue
		}
		v := rawjson.Get(body, name)
		if name == "metadata" {
			v = rawjson.Get(v, "user_id")
		}
		if rawjson.Kind(v) != '"' {
			continue
		}
		if s := rawjson.Text(v); s != "" && len(s) <= 4*whoMost && plainName(s) {
			return s
		}
	}
	return ""
}
