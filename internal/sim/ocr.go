package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// pagesOf is how many pages every document has; an image has one.
const pagesOf = 3

var ocrMembers = map[string]func(*chatReader, []byte){
	"model": nil, "document": nil, "pages": nil, "id": isText("id"), "include_image_base64": isBool("include_image_base64"),
	"image_limit": isCount("image_limit", 0, 1<<31), "image_min_size": isCount("image_min_size", 0, 1<<31),
	"bbox_annotation_format": isObject("bbox_annotation_format"), "document_annotation_format": isObject("document_annotation_format"),
	"document_annotation_prompt": isText("document_annotation_prompt"), "table_format": isWord("table_format", "markdown", "html"),
	"extract_header": isBool("extract_header"), "extract_footer": isBool("extract_footer"), "include_blocks": isBool("include_blocks"),
	"confidence_scores_granularity": isWord("confidence_scores_granularity", "word", "page"),
}

// ocr answers POST /v1/ocr as Mistral does. No document is fetched: its pages say where it is said to be.
func (x *exchange) ocr() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &chatReader{body: x.body}
	c.members(ocrMembers)
	id := rawjson.Text(c.get("model"))
	if id == "" {
		c.fail("model", "missing_required_parameter", "you must provide a model parameter")
	}
	c.special(id, OCRModel)
	from, count := c.document(c.get("document"))
	pages := c.pages(c.get("pages"), count)
	if c.get("document_annotation_prompt") != nil && c.get("document_annotation_format") == nil {
		c.fail("document_annotation_prompt", "", "document_annotation_prompt needs document_annotation_format")
	}
	if c.bad != nil {
		return c.bad
	}
	if done, err := x.misbehave(id, false); done || err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("pages").Open('[')
	for _, n := range pages {
		w.Open('{').Name("index").Int(n).Name("markdown").String(fmt.Sprintf("# Page %d\n\nThis page is simulated. The document is %s.", n+1, from))
		w.Name("images").Open('[').Close(']')
		w.Name("dimensions").Open('{').Name("dpi").Int(200).Name("height").Int(2200).Name("width").Int(1700).Close('}').Close('}')
	}
	w.Close(']').Name("model").String(id).Name("document_annotation")
	if c.get("document_annotation_format") != nil {
		w.String("{}")
	} else {
		w.Null()
	}
	w.Name("usage_info").Open('{').Name("pages_processed").Int(int64(len(pages))).Name("doc_size_bytes").Int(int64(len(from))).Close('}').Close('}')
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

// document reads where a document is and how many pages it has.
func (c *chatReader) document(v []byte) (from string, count int64) {
	kind := rawjson.Text(rawjson.Get(v, "type"))
	switch kind {
	case "document_url", "":
		from, count = rawjson.Text(rawjson.Get(v, "document_url")), pagesOf
	case "image_url":
		image := rawjson.Get(v, "image_url")
		if rawjson.Kind(image) == '{' {
			image = rawjson.Get(image, "url")
		}
		from, count = rawjson.Text(image), 1
	case "file":
		from, count = rawjson.Text(rawjson.Get(v, "file_id")), pagesOf
	}
	if from == "" {
		c.fail("document", "", "document must be a document_url, an image_url or a file with where it is")
	}
	if data, ok := strings.CutPrefix(from, "data:"); ok {
		from, _, _ = strings.Cut(data, ",")
	}
	return from, count
}

// pages reads which pages are wanted: a list of numbers, or a text of numbers and ranges.
func (c *chatReader) pages(v []byte, count int64) (out []int64) {
	take := func(from, to int64) {
		for n := max(from, 0); n <= min(to, count-1); n++ {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	switch rawjson.Kind(v) {
	case ' ':
		take(0, count)
	case '[':
		for _, e := range rawjson.Elems(v) {
			n, ok := rawjson.Int(e)
			if !ok {
				c.wrongType("pages", "an array of integers", e)
			}
			take(n, n)
		}
	case '"':
		for part := range strings.SplitSeq(rawjson.Text(v), ",") {
			first, last, ranged := strings.Cut(part, "-")
			a, err := strconv.ParseInt(first, 10, 32)
			b := a
			if err == nil && ranged {
				b, err = strconv.ParseInt(last, 10, 32)
			}
			if err != nil {
				c.fail("pages", "", "pages must be numbers and ranges")
			}
			take(a, b)
		}
	default:
		c.wrongType("pages", "a string or an array of integers", v)
	}
	return out
}
