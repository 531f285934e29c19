package form

import (
	"strings"
	"testing"
)

func TestParts(t *testing.T) {
	body := strings.ReplaceAll(strings.Join([]string{
		"@", `Content-Disposition: form-data; name="prompt"`, "", "a cat", "@", `Content-Disposition: form-data; name="image[]"; filename="a.png"`, "Content-Type: image/png", "", "\x89PNG\x00",
		"@", `Content-Disposition: form-data; name="image[]"; filename*=UTF-8''b; filename="c.jpg"`, "", "", "@--", "",
	}, "\r\n"), "@", "--b")
	want := []Part{{Name: "prompt"}, {Name: "image[]", File: true, FileName: "a.png", Type: "image/png"}, {Name: "image[]", File: true, FileName: "c.jpg"}}
	values := []string{"a cat", "\x89PNG\x00", ""}
	n := 0
	for p, err := range Parts([]byte(body), "b") {
		if err != nil || n == len(want) {
			t.Fatal(n, err)
		}
		if got := body[p.Value.Start:p.Value.End]; got != values[n] {
			t.Errorf("%d: %q", n, got)
		}
		p.Value = want[n].Value
		if p != want[n] {
			t.Errorf("%+v, want %+v", p, want[n])
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d parts", n)
	}
	for _, bad := range []string{"", "--b", body[:len(body)-4], "x" + body} {
		var last error
		for _, err := range Parts([]byte(bad), "b") {
			last = err
		}
		if last == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
