package prepare

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// readPPTX returns the texts of a presentation, slide by slide. Slides are read in the order of their numbers.
func readPPTX(ctx context.Context, raw []byte) reading {
	broken := reading{err: problem("is damaged or encrypted and cannot be read; send another copy, or its text")}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) > mostEntries {
		return broken
	}
	var b strings.Builder
	said := false
	for n := 1; b.Len() <= mostText; n++ {
		name := fmt.Sprintf("ppt/slides/slide%d.xml", n)
		if entry(z, name) == nil {
			break
		}
		var text, line strings.Builder
		within := false
		err := tokens(ctx, z, name, true, func(t xml.Token) error {
			switch t := t.(type) {
			case xml.StartElement:
				within = t.Name.Local == "t" && t.Name.Space == "a"
				if t.Name.Local == "br" {
					line.WriteByte(' ')
				}
			case xml.CharData:
				if within {
					line.Write(t)
				}
			case xml.EndElement:
				within = false
				if s := strings.TrimSpace(line.String()); t.Name.Local == "p" && t.Name.Space == "a" {
					if s != "" {
						text.WriteString(s + "\n")
					}
					line.Reset()
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, errUnpacked):
			return reading{err: problem("is larger when unpacked than is read here; send a smaller part of it")}
		case err != nil:
			return broken
		}
		fmt.Fprintf(&b, "[Slide %d]\n", n)
		if text.Len() == 0 {
			text.WriteString("(no text on this slide)\n")
		} else {
			said = true
		}
		b.WriteString(text.String() + "\n")
	}
	if !said {
		return reading{err: problem("is a presentation without text; send its slides as images, or use a model that reads documents")}
	}
	return reading{text: strings.TrimRight(b.String(), "\n") + "\n", what: "the presentation", left: "layout, pictures and notes are left out"}
}
