package engine

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/rawjson"
)

func spot(body string) []string {
	if !mentionsAny([]byte(body), true) {
		return nil
	}
	var out []string
	for w := (walker{body: []byte(body)}); w.next(); {
		out = append(out, w.id)
	}
	return out
}

// TestMentions has the members found that name files to be read, and nothing else.
func TestMentions(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"X"}}]}]}`, "X"},
		{`{"input":[{"role":"user","content":[{"type":"input_file","file_id":"X"},{"type":"input_image","file_id" : "Y"}]}]}`, "X Y"},
		{`{"input":[{"type":"computer_call_output","output":{"type":"computer_screenshot","file_id":"X"}}]}`, "X"},
		{`{"input":[{"type":"function_call_output","output":[{"type":"input_file","file_id":"X"}]}]}`, "X"},
		{`{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["X","Y"]}},{"type":"file_search","vector_store_ids":["Z"]}]}`, "X Y Z"},
		{`{"tools":[{"type":"image_generation","input_image_mask":{"file_id":"X"}}]}`, "X"},
		{`{"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"X"},{"type":"document","source":{"type":"file","file_id":"Y"}}]}]}`, "X Y"},
		{`{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image","source":{"type":"file","file_id":"X"}}]}]}]}`, "X"},
		{`{"contents":[{"parts":[{"fileData":{"fileUri":"X"}},{"file_data":{"file_uri":"Y"}}]}],"tools":[{"fileSearch":{"fileSearchStoreNames":["Z"]}}]}`, "X Y Z"},
		{`{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"file_id":"no"},"parts":[{"fileData":{"fileUri":"X"}}]}}]}]}`, "X"},
		{`{"input":[{"type":"document","uri":"X"}]}`, "X"},
		{`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"X"}}]}]}`, "X"},

		// Other ways to write it.
		{`{"a":{"file\u005fid":"X"}}`, "X"},
		{`{"a":{"\u0066\u0069\u006c\u0065\u005f\u0069\u0064":"X"}}`, "X"},
		{`{"a":{"File_ID":"X"}}`, "X"},
		{`{"a":{"fileid":"X"}}`, "X"},
		{`{"a":{"file_id":"\u0058"}}`, "X"},
		{"{\"a\":{\"file_id\"\n\t:\n \"X\"}}", "X"},

		// What a provider made, and what is the client's own, is no file to be read.
		{`{"input":[{"role":"assistant","content":[{"type":"output_text","text":"t","annotations":[{"type":"container_file_citation","file_id":"no"}]}]}]}`, ""},
		{`{"input":[{"type":"file_search_call","results":[{"file_id":"no"}]}]}`, ""},
		{`{"messages":[{"role":"assistant","content":[{"type":"bash_code_execution_tool_result","content":{"content":[{"file_id":"no","type":"bash_code_execution_output"}]}}]}]}`, ""},
		{`{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"file_id":"no","deep":{"file_ids":["no"]}}}]}]}`, ""},
		{`{"messages":[{"content":[{"type":"text","text":"t","citations":[{"type":"char_location","file_id":"no"}]}]}]}`, ""},
		{`{"messages":[{"content":[{"toolUse":{"input":{"file_id":"no"}}},{"toolResult":{"content":[{"json":{"file_id":"no"}}]}}]}]}`, ""},
		{`{"contents":[{"parts":[{"functionCall":{"args":{"file_id":"no"}}}]}]}`, ""},
		{`{"metadata":{"file_id":"no"},"tools":[{"parameters":{"properties":{"file_id":{"type":"string","default":"no"}},"required":["file_id"]}}]}`, ""},
		{`{"documents":[{"data":{"file_id":"no"}}]}`, ""},
		{`{"messages":[{"content":"{\"file_id\":\"no\"}"},{"content":"file_id: \"no\""}]}`, ""},
		{`{"a":{"file_id":null,"file_ids":[]}}`, ""},

		// Names of the client's own choice hide nothing.
		{`{"prompt":{"id":"p","variables":{"input":{"type":"input_file","file_id":"X"},"metadata":{"type":"input_file","file_id":"Y"},"file_id":"no"}}}`, "X Y"},
		{`{"messages":[{"content":[{"type":"code_execution_output","type":"container_upload","file_id":"X"}]}]}`, "X"},
		{`{"messages":[{"content":[{"type":"container_upload","Type":"code_execution_output","file_id":"X"}]}]}`, "X"},
		{`{"input":{"type":"input_file","file_id":"X"}}`, "X"},
		{`{"response":{"input":[{"type":"message","content":[{"type":"input_file","file_id":"X"}]}]}}`, "X"},
	} {
		if err := rawjson.Check([]byte(c.body)); err != nil {
			t.Fatalf("%s: %v", c.body, err)
		}
		if got := strings.Join(spot(c.body), " "); got != c.want {
			t.Errorf("%s\nnames %q, want %q", c.body, got, c.want)
		}
	}
}

func TestAddressed(t *testing.T) {
	hosts := []string{"gem.example"}
	for text, want := range map[string][3]bool{ // as an id's address, as one of the web
		"https://generativelanguage.googleapis.com/v1beta/files/a":       {true, true},
		"https://GenerativeLanguage.GoogleAPIs.com./v1beta/files/a":      {true, true},
		"https://x@generativelanguage.googleapis.com:443/v1beta/files/a": {true, true},
		"https://gem.example/v1beta/files/a":                             {true, true},
		"https://gem.example/pictures/a":                                 {false, false},
		"https://youtube.com/watch?v=1":                                  {false, false},
		"gs://bucket/files/a":                                            {false, false},
		"files/a":                                                        {true, true},
		"a":                                                              {true, false},
		"https:\\\\generativelanguage.googleapis.com/v1beta/files/a":     {true, true},
		"data:image/png;base64,AA":                                       {false, false},
	} {
		_, file := addressed(text, namesFile, hosts)
		_, web := addressed(text, namesWeb, hosts)
		if file != want[0] || web != want[1] {
			t.Errorf("%s: %v %v", text, file, web)
		}
	}
}

// TestMentionsCost has a body that names nothing be looked through without memory.
func TestMentionsCost(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("a: b ", 1000) + `"}],"metadata":{"details":"x","url":"data:,"}}`)
	if n := testing.AllocsPerRun(100, func() {
		if mentionsAny(body, true) {
			t.Fatal("it names something")
		}
	}); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// FuzzMentions has what the walk finds be found by the look before it, and be strings of the text.
func FuzzMentions(f *testing.F) {
	f.Add(`{"file_id":"a","x":[{"file_ids":["b",{"uri":"c"}]}],"type":"code_execution_output"}`)
	f.Add(`{"variables":{"metadata":{"fileUri":"x"}},"a":{"file\u005fid":"b"}}`)
	f.Add(`[[{"url":"a"}],"b"]`)
	f.Fuzz(func(t *testing.T, in string) {
		body := []byte(in)
		if rawjson.Check(body) != nil {
			return
		}
		var all []string
		for w := (walker{body: body}); w.next(); {
			end, err := rawjson.SkipString(body, w.at)
			if err != nil || rawjson.Text(body[w.at:end]) != w.id {
				t.Fatalf("%q at %d is no string of its own", w.id, w.at)
			}
			if !(w.kind != namesID && strings.HasPrefix(w.id, "data:")) {
				all = append(all, w.id)
			}
		}
		if len(all) > 0 && !mentionsAny(body, true) {
			t.Fatalf("%v are not seen", slices.Compact(all))
		}
	})
}
