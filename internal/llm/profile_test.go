package llm

import (
	"encoding/json"
	"testing"
)

func TestProfileTable(t *testing.T) {
	var all Profile
	for i, row := range ProfileTable {
		if row.Profile != 1<<i || row.Doc == "" {
			t.Errorf("%s is not in its place, or is not told", row.Name)
		}
		all |= row.Profile
		if got, err := ParseProfile([]string{row.Name}); err != nil || got != row.Profile || got.String() != row.Name {
			t.Errorf("%v, %v", got, err)
		}
	}
	if CostInTicks != 1<<(len(ProfileTable)-1) {
		t.Error("the last constant is not the table's last row")
	}
	if _, err := ParseProfile([]string{"odd"}); err == nil {
		t.Error("an unknown name is read")
	}
}

func TestCorrect(t *testing.T) {
	const sums = SaidInput | SaidOutput | SaidTotal
	tests := []struct {
		name string
		p    Profile
		u    Usage
		want [5]int64 // input, output, total, reasoning, audio heard
	}{
		{"as it should be", ReasoningApart | AudioApart | ThoughtsInTotal, Usage{Said: sums, Input: 10, Output: 5, Total: 15, Reasoning: 3, InputAudio: 2}, [5]int64{10, 5, 15, 3, 2}},
		{"reasoning apart", ReasoningApart, Usage{Said: sums | SaidReasoning, Input: 10, Output: 5, Total: 35, Reasoning: 20}, [5]int64{10, 25, 35, 20, 0}},
		{"less than the output, apart", ReasoningApart, Usage{Said: sums | SaidReasoning, Input: 10, Output: 5, Total: 17, Reasoning: 2}, [5]int64{10, 7, 17, 2, 0}},
		{"reasoning beside", ReasoningBeside, Usage{Said: sums | SaidReasoning, Input: 10, Output: 5, Total: 15, Reasoning: 2}, [5]int64{10, 7, 17, 2, 0}},
		{"audio apart", AudioApart, Usage{Said: sums | SaidInputAudio, Input: 10, Output: 5, Total: 390, InputAudio: 375}, [5]int64{385, 5, 390, 0, 375}},
		{"thoughts in the total", ThoughtsInTotal, Usage{Said: sums, Input: 10, Output: 5, Total: 40}, [5]int64{10, 30, 40, 25, 0}},
		{"more reasoning than output", 0, Usage{Said: sums | SaidReasoning, Input: 10, Output: 16, Total: 26, Reasoning: 19}, [5]int64{10, 16, 26, 16, 0}},
		{"no total", ReasoningApart | ThoughtsInTotal, Usage{Said: SaidInput | SaidOutput, Input: 10, Output: 5, Reasoning: 2}, [5]int64{10, 5, 0, 2, 0}},
		{"an unknown rest", 0, Usage{Said: sums, Input: 10, Output: 5, Total: 40}, [5]int64{10, 5, 40, 0, 0}},
		{"no output yet", 0, Usage{Said: SaidReasoning, Reasoning: 4}, [5]int64{0, 0, 0, 4, 0}},
	}
	for _, test := range tests {
		for range 2 { // the second time nothing happens
			test.p.Correct(&test.u)
			u := &test.u
			if got := [5]int64{u.Input, u.Output, u.Total, u.Reasoning, u.InputAudio}; got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
	var none *Usage
	ReasoningApart.Correct(none)

	// What a later frame states is stated anew.
	u := Usage{Said: sums | SaidReasoning, Input: 1, Output: 1, Total: 4, Reasoning: 2}
	ReasoningApart.Correct(&u)
	u.Merge(&Usage{Said: sums | SaidReasoning, Input: 1, Output: 2, Total: 8, Reasoning: 5})
	ReasoningApart.Correct(&u)
	if u.Output != 7 {
		t.Errorf("%+v", u)
	}
	cached := Usage{Said: SaidInput | SaidCacheRead, Input: 29, CacheRead: 157}
	Profile(0).Correct(&cached)
	if cached.CacheRead != 29 {
		t.Errorf("%+v", cached)
	}
	for in, want := range map[string]Num{"4389400": "0.00043894", "20000000000": "2", "0": "0", "12345678901": "1.2345678901", "-5": "", "x": "", "": ""} {
		u := Usage{Extra: Extra{"cost_in_usd_ticks": json.RawMessage(in)}}
		CostInTicks.Correct(&u)
		if u.Cost != want {
			t.Errorf("%s ticks are %s", in, u.Cost)
		}
	}
}
