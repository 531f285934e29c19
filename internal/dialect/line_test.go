package dialect

import "testing"

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", `{"a":1}`: `{"a":1}`, "{\n\"a\":\r\n1\n}\r": `{ "a":  1 } `, "\n\n\r\r": "    ",
	} {
		got := []byte(in)
		if OneLine(got); string(got) != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}
