package compile

import "testing"

func TestCharges(t *testing.T) {
	for _, c := range []struct{ base, region, want string }{
		{"https://api.openai.com/v1", "", ""},
		{"https://eu.api.openai.com/v1", "", "eu"},
		{"https://us.api.openai.com/v1", "eu", "eu"},
		{"https://bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1", "us-gov-west-1"},
		{"https://eu.example.com/v1", "", ""},
		{"http://127.0.0.1:9/v1", "", ""},
		{"://", "", ""},
	} {
		if got := charges(c.base, c.region); got != c.want {
			t.Errorf("%s in %q: %q, want %q", c.base, c.region, got, c.want)
		}
	}
}
