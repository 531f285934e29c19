package dialecttest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Same compares canonical values of one kind deeply and returns where they differ, "" if they do not. Where something
// stood in a document (Path, Span) and white space between the tokens of raw JSON make no difference.
func Same(x, y any) string { return same(reflect.ValueOf(x), reflect.ValueOf(y), "") }

var rawType = reflect.TypeFor[json.RawMessage]()

func same(x, y reflect.Value, at string) string {
	if x.IsValid() != y.IsValid() {
		return differ(x, y, at)
	}
	if !x.IsValid() {
		return ""
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Interface:
		if x.IsNil() || y.IsNil() {
			if x.IsNil() == y.IsNil() {
				return ""
			}
			return differ(x, y, at)
		}
		return same(x.Elem(), y.Elem(), at)
	case reflect.Struct:
		for i := range x.NumField() {
			name := x.Type().Field(i).Name
			if name == "Path" || name == "Span" {
				continue
			}
			if d := same(x.Field(i), y.Field(i), at+"."+name); d != "" {
				return d
			}
		}
		return ""
	case reflect.Map:
		return sameMap(x, y, at)
	case reflect.Slice:
		if x.Type() == rawType {
			if compact(x.Bytes()) != compact(y.Bytes()) {
				return differ(x, y, at)
			}
			return ""
		}
		for i := range min(x.Len(), y.Len()) {
			if d := same(x.Index(i), y.Index(i), fmt.Sprintf("%s[%d]", at, i)); d != "" {
				return d
			}
		}
		if x.Len() != y.Len() {
			return fmt.Sprintf("%s: %d items, then %d\nbefore %.600s\nafter  %.600s", at, x.Len(), y.Len(), show(x), show(y))
		}
		return ""
	}
	if !x.Equal(y) {
		return differ(x, y, at)
	}
	return ""
}

func sameMap(x, y reflect.Value, at string) string {
	keys := map[string]reflect.Value{}
	for _, m := range []reflect.Value{x, y} {
		for _, k := range m.MapKeys() {
			keys[k.String()] = k
		}
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if d := same(x.MapIndex(keys[name]), y.MapIndex(keys[name]), at+"."+name); d != "" {
			return d
		}
	}
	return ""
}

func differ(x, y reflect.Value, at string) string {
	return fmt.Sprintf("%s: before %.600s, after %.600s", at, show(x), show(y))
}

func show(v reflect.Value) string {
	switch {
	case !v.IsValid():
		return "nothing"
	case v.Type() == rawType:
		return string(v.Bytes())
	}
	return fmt.Sprintf("%+v", v)
}
