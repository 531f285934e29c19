package statement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/nearest"
)

// fields are what sums can be split by, in the order they are listed in.
var fields = []gateway.Field{
	gateway.ByOrganisation, gateway.ByTeam, gateway.ByProject, gateway.ByUser, gateway.ByKey, gateway.ByEndUser, gateway.BySession,
	gateway.ByTag, gateway.ByModel, gateway.ByProvider, gateway.ByTarget, gateway.ByOperation, gateway.ByState, gateway.ByPayer,
	gateway.ByNode, gateway.ByBatch, gateway.ByHour, gateway.ByDay, gateway.ByWeek, gateway.ByMonth,
}

// Fields lists what sums can be split by.
func Fields() []gateway.Field { return slices.Clone(fields) }

// Filters lists what entries can be found by.
func Filters() []gateway.Field {
	return slices.DeleteFunc(Fields(), timed)
}

// timed reports whether a field's values are times.
func timed(f gateway.Field) bool {
	return f == gateway.ByHour || f == gateway.ByDay || f == gateway.ByWeek || f == gateway.ByMonth
}

// Column is one of the columns that sums are split by.
type Column struct {
	Field gateway.Field
	Tag   string // of the field tag: the tag's name; "" = each NAME=VALUE
}

// String returns the column as it is asked for.
func (c Column) String() string {
	if c.Tag != "" {
		return string(c.Field) + ":" + c.Tag
	}
	return string(c.Field)
}

// ParseBy reads columns such as team,model,day and tag:NAME. "" and "none" stand for no column: one sum.
func ParseBy(text string) ([]Column, error) {
	if text == "" || text == "none" {
		return nil, nil
	}
	var out []Column
	for word := range strings.SplitSeq(text, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		name, tag, tagged := strings.Cut(word, ":")
		c := Column{Field: gateway.Field(strings.ReplaceAll(name, "-", "_")), Tag: tag}
		switch {
		case !slices.Contains(fields, c.Field):
			return nil, unknownField(name)
		case tagged && (c.Field != gateway.ByTag || tag == ""):
			return nil, fmt.Errorf("%q is no field: only a tag is named after a colon, as in tag:project", word)
		case slices.Contains(out, c):
			return nil, fmt.Errorf("%s stands twice in --by", word)
		case c.Field == gateway.ByTag && slices.ContainsFunc(out, func(o Column) bool { return o.Field == gateway.ByTag }):
			return nil, fmt.Errorf("--by takes one tag at a time")
		}
		out = append(out, c)
	}
	return out, nil
}

func unknownField(name string) error {
	var known []string
	for _, f := range fields {
		known = append(known, string(f))
	}
	// Plurals and the words that people have for these.
	also := map[string]gateway.Field{"org": gateway.ByOrganisation, "organization": gateway.ByOrganisation, "op": gateway.ByOperation, "application": gateway.ByKey, "date": gateway.ByDay}
	near := string(also[name])
	if near == "" {
		near = nearest.Word(name, known)
	}
	if near != "" {
		return fmt.Errorf("%q is no field that entries can be told apart by; did you mean %s?", name, near)
	}
	return fmt.Errorf("%q is no field that entries can be told apart by; those are %s", name, strings.Join(known, ", "))
}

// shown writes a field's value for people: times as short as their field allows.
func (c Column) shown(value string) string {
	if !timed(c.Field) {
		return Printable(value)
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return Printable(value)
	}
	switch c.Field {
	case gateway.ByHour:
		return t.Format("2006-01-02 15:04 -07")
	case gateway.ByMonth:
		return t.Format("2006-01")
	}
	return t.Format(time.DateOnly)
}
