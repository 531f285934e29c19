package llm

import "strings"

// Transform is a set of ways in which a request is prepared for a target that would not take it as it is. A model of the
// document declares which may be used; what was done is told, in the record and as losses.
type Transform uint8

// The transforms; TransformTable says what each does.
const (
	DocumentsToText Transform = 1 << iota
	ImagesFit
	SystemFirst
	SystemToUser
)

// TransformTable lists the transforms in the order they are applied, with their names in the document.
var TransformTable = []struct {
	Name      string
	Transform Transform
	Doc       string
}{
	{"documents-to-text", DocumentsToText, "Documents become their text where the target reads none of their kind."},
	{"images-fit", ImagesFit, "Images are made smaller, or of another format, where they are more than the target takes."},
	{"system-first", SystemFirst, "What the system says stands in one message at the beginning."},
	{"system-to-user", SystemToUser, "What the system says is put before the user's first words, for models without a system."},
}

// Has reports whether t holds all of other.
func (t Transform) Has(other Transform) bool { return t&other == other }

// String lists the names, in the order of the table.
func (t Transform) String() string { return strings.Join(t.Names(), " ") }

// Names returns the names, in the order of the table.
func (t Transform) Names() []string {
	var names []string
	for i := range TransformTable {
		if t.Has(TransformTable[i].Transform) {
			names = append(names, TransformTable[i].Name)
		}
	}
	return names
}

// ParseTransform returns the transform of a name; false if there is none.
func ParseTransform(name string) (Transform, bool) {
	for i := range TransformTable {
		if TransformTable[i].Name == name {
			return TransformTable[i].Transform, true
		}
	}
	return 0, false
}
