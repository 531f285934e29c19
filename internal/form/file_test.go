package form

import (
	"errors"
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	const boundary = "b0undary"
	part := func(head, value string) string {
		return "--b0undary\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + value + "\r\n"
	}
	const last = "--b0undary--\r\n"
	file := part(`name="file"; filename="a.bin"`, "\x00\r\n--b0und\xff")
	for name, c := range map[string]struct{ body, want, field string }{
		"a file":          {part(`name="purpose"`, "batch") + file + last, "\x00\r\n--b0und\xff", ""},
		"an empty one":    {part(`name="file"; filename="a"`, "") + last, "", ""},
		"none":            {part(`name="purpose"`, "batch") + last, "", "file"},
		"two":             {file + file + last, "", "file"},
		"a text":          {part(`name="file"`, "x") + last, "", "file"},
		"in another case": {part(`name="File"; filename="a"`, "x") + file + last, "", "file"},
		"encoded":         {strings.Replace(file, "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + last, "", "file"},
	} {
		at, err := File([]byte(c.body), boundary, "file")
		var e *Error
		switch {
		case c.field != "":
			if !errors.As(err, &e) || e.Field != c.field {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || c.body[at.Start:at.End] != c.want:
			t.Errorf("%s: %v %v", name, at, err)
		default:
			out, err := ReplaceFile([]byte("before "), []byte(c.body), at.Start, at.End, []byte("other\nbytes"), boundary)
			if want := "before " + c.body[:at.Start] + "other\nbytes" + c.body[at.End:]; err != nil || string(out) != want {
				t.Errorf("%s: %q %v", name, out, err)
			}
			if _, err := ReplaceFile(nil, []byte(c.body), at.Start, at.End, []byte("x--b0undaryx"), boundary); err == nil {
				t.Errorf("%s: a file that holds the boundary is taken", name)
			}
		}
	}
	if _, err := File([]byte(file), boundary, "file"); err == nil {
		t.Error("a form that breaks off is taken")
	}
}
