package dialect

import "testing"

func TestMemberPath(t *testing.T) {
	for _, c := range [][3]string{
		{"messages[1].content[0]", "citations", "messages[1].content[0].citations"},
		{"input[3].content[0]", "item.internal", "input[3].internal"},
		{"input[3].content", "item.internal", "input[3].internal"},
		{"input[3].summary[12]", "item.a.b", "input[3].a.b"},
		{"input[3]", "item.internal", "input[3].internal"},
		{"input[3]", "items.internal", "input[3].items.internal"},
		{"", "seed", "seed"},
	} {
		if got := MemberPath(c[0], c[1]); got != c[2] {
			t.Errorf("%q on %q is %q, want %q", c[1], c[0], got, c[2])
		}
	}
}
