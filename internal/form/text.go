package form

// Text returns the text of a field of a form, "" where the form has none such that Scan takes.
func Text(body []byte, contentType, name string) string {
	boundary, err := Boundary(contentType)
	if err != nil {
		return ""
	}
	ix, err := NewSpec(name).Scan(body, boundary)
	if err != nil {
		return ""
	}
	return string(ix.Get(body, 0))
}
