package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBedrockShapes: the shapes that requests are held against are AWS's own, with their names where they have one here.
func TestBedrockShapes(t *testing.T) {
	dir := os.Getenv("WEIR_SPECS")
	if dir == "" {
		t.Skip("WEIR_SPECS is not set: the shapes are not held against AWS's model")
	}
	b, err := os.ReadFile(filepath.Join(dir, "bedrock/bedrock-runtime-service-2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Shapes map[string]struct {
			Required []string
			Members  map[string]struct{ Shape string }
			Enum     []string
			Pattern  string
			Max      int64
		}
	}
	if err := json.Unmarshal(b, &model); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{ // where AWS has several of what is one here, or another name
		"MediaSource": "ImageSource", "DocumentText": "DocumentContentBlock", "ToolResultContent": "ToolResultContentBlock",
		"SearchResultText": "SearchResultContentBlock", "DocumentName": "DocumentBlockNameString",
	}
	checked := 0
	for name, members := range bedrockShapes.objects {
		their := name
		if ours[name] != "" {
			their = ours[name]
		}
		shape, known := model.Shapes[their]
		if !known {
			t.Errorf("AWS has no shape %s", their)
			continue
		}
		checked++
		var have, want, required []string
		for m, kind := range members {
			have = append(have, m)
			if strings.HasSuffix(kind, "!") {
				required = append(required, m)
			}
		}
		for m := range shape.Members {
			if m != "modelId" { // it is in the path
				want = append(want, m)
			}
		}
		slices.Sort(have)
		slices.Sort(want)
		slices.Sort(required)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: -AWS +here\n%s", name, diff)
		}
		must := slices.DeleteFunc(slices.Clone(shape.Required), func(m string) bool { return m == "modelId" })
		slices.Sort(must)
		if name == "ConverseRequest" {
			must = []string{"messages"} // or a prompt in the model's place, which is not simulated
		}
		if diff := cmp.Diff(strings.Join(must, " "), strings.Join(required, " ")); diff != "" {
			t.Errorf("%s must have: -AWS +here\n%s", name, diff)
		}
	}
	for name, words := range bedrockShapes.enums {
		if diff := cmp.Diff(model.Shapes[name].Enum, words); diff != "" {
			t.Errorf("%s: -AWS +here\n%s", name, diff)
		}
	}
	for _, name := range []string{"ToolName", "ToolUseId", "S3Uri"} {
		theirs := model.Shapes[name]
		for _, s := range []string{"a", "a b", "a.b", "a:b", "ä", "s3://bucket/key", strings.Repeat("a", 65)} {
			re := regexp.MustCompile("^(?:" + theirs.Pattern + ")$")
			c := bedrockShapes.scalars[name]
			if re.MatchString(s) != c.pattern.MatchString(s) || c.hi != theirs.Max {
				t.Errorf("%s judges %q otherwise than AWS", name, s)
			}
		}
	}
	if checked < 30 {
		t.Errorf("%d shapes were checked", checked)
	}
}

var protoField = regexp.MustCompile(`(?m)^ {2,4}(?:repeated |optional )?(?:map<string, \w+>|[\w.]+) (\w+) = \d+`)

// TestGeminiShapes: no field that Google's protocol buffers have is unknown here; newer ones are.
func TestGeminiShapes(t *testing.T) {
	dir := os.Getenv("WEIR_SPECS")
	if dir == "" {
		t.Skip("WEIR_SPECS is not set: the shapes are not held against Google's protocol buffers")
	}
	text := ""
	for _, f := range []string{"content.proto", "generative_service.proto", "safety.proto"} {
		b, err := os.ReadFile(filepath.Join(dir, "gemini/v1beta", f))
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	for name, members := range geminiShapes.objects {
		_, body, found := strings.Cut(text, "\nmessage "+name+" {\n")
		body, _, _ = strings.Cut(body, "\n}\n")
		fields := protoField.FindAllStringSubmatch(body, -1)
		if !found || len(fields) == 0 {
			if name != "ThinkingConfig" { // it stands within another there
				t.Errorf("%s is not in the protocol buffers", name)
			}
			continue
		}
		for _, f := range fields {
			if _, known := members[camel(f[1])]; !known && f[1] != "response_json_schema_ordered" && // an alias of Google's own use
				members["type"] == "" && !strings.Contains(body, "message ") {
				t.Errorf("%s.%s is not known here", name, camel(f[1]))
			}
		}
	}
}

// TestMisfits holds the finder of what does not fit against each kind of misfit.
func TestMisfits(t *testing.T) {
	s := &shapes{
		objects: map[string]map[string]string{"A": {"n": "N", "list": "[]A", "map": "{}string", "must": "bool!", "any": "any", "e": "E", "u": "U"}, "U": {"a": "string", "b": "bytes"}},
		unions:  []string{"U"},
		enums:   map[string][]string{"E": {"x", "y"}},
		scalars: map[string]scalar{"N": {kind: "number", lo: 1, hi: 3}},
	}
	for body, want := range map[string]string{
		`{"must":true,"n":2,"list":[{"must":false}],"map":{"a":"b"},"any":null,"e":"x","u":{"b":"_-8="}}`: "",
		`{"must":true,"z":1}`:           "z 0",
		`[]`:                            " 2",
		`{}`:                            "must 3",
		`{"must":true,"n":4}`:           "n 7",
		`{"must":true,"n":0}`:           "n 6",
		`{"must":true,"n":null}`:        "",
		`{"must":true,"list":[{}]}`:     "list.0.must 3",
		`{"must":true,"list":5}`:        "list 1",
		`{"must":true,"map":{"a":1}}`:   "map.a 1",
		`{"must":true,"e":"z"}`:         "e 4",
		`{"must":true,"u":{}}`:          "u 11",
		`{"must":true,"u":{"b":"%"}}`:   "u.b 5",
		`{"must":true,"u":{"a":["x"]}}`: "u.a 2",
		`{"must":1}`:                    "must 1",
	} {
		got := ""
		if f := s.misfit([]byte(body), "A", nil); f != nil {
			got = bedrockPath(f.at) + " " + decimalText(int64(f.problem))
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
