package sim

import (
	"fmt"
	"strings"
	"time"
)

// formatted returns a text of a format of JSON Schema, and whether it is one known here.
func formatted(format string, seed, salt uint64) (string, bool) {
	at := time.Date(2026, 1, 2, 9, 30, 0, 0, time.UTC).Add(time.Duration(salt) * 25 * time.Hour)
	n := salt + 1
	switch format {
	case "date-time":
		return at.Format(time.RFC3339), true
	case "date":
		return at.Format(time.DateOnly), true
	case "time":
		return at.Format("15:04:05Z"), true
	case "duration":
		return fmt.Sprintf("PT%dH", n), true
	case "email", "idn-email":
		return fmt.Sprintf("ada%d@example.org", n), true
	case "uri", "iri", "uri-reference", "iri-reference", "url":
		return fmt.Sprintf("https://example.org/%d", n), true
	case "hostname", "idn-hostname":
		return fmt.Sprintf("host%d.example.org", n), true
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", n%250), true
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", n%0xffff), true
	case "uuid":
		a, b := mix(seed, 1), mix(seed, 2)
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff), true
	case "json-pointer":
		return fmt.Sprintf("/items/%d", n), true
	case "relative-json-pointer":
		return fmt.Sprintf("%d/items", n%10), true
	case "regex":
		return fmt.Sprintf("^a{%d}$", n%9+1), true
	}
	return "", false
}

// samples are believable texts for members by what their names contain; the first that fits counts.
var samples = []struct{ part, text string }{
	{"city", "Paris"},
	{"location", "Paris"},
	{"country", "France"},
	{"currency", "EUR"},
	{"language", "English"},
	{"email", "ada@example.org"},
	{"url", "https://example.org/"},
	{"timezone", "Europe/Paris"},
	{"date", "2026-01-02"},
	{"time", "09:30"},
	{"path", "README.md"},
	{"filename", "README.md"},
	{"command", "echo simulated"},
	{"query", "simulated search"},
	{"expression", "6 * 7"},
	{"title", "A simulated title"},
	{"name", "Ada"},
	{"unit", "celsius"},
	{"colour", "blue"},
	{"color", "blue"},
	{"summary", "A simulated summary."},
}

// sample returns a text for a member.
func sample(name string) string {
	low := strings.ToLower(name)
	for _, s := range samples {
		if strings.Contains(low, s.part) {
			return s.text
		}
	}
	if name == "" {
		return "simulated"
	}
	return "simulated " + strings.ReplaceAll(low, "_", " ")
}
