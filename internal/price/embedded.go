package price

import (
	"embed"
	"io"
	"strings"
	"sync"
)

//go:embed data/*.txt
var files embed.FS

// Embedded returns the table that is built in. It is quick: a provider's file is read when its list is first asked for,
// by one of those who ask; the others wait.
func Embedded() *Table { return embedded() }

var embedded = sync.OnceValue(open)

func open() *Table {
	t := &Table{lists: map[string]*lazy{}}
	names, _ := files.ReadDir("data") // a part of the binary
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".txt")
		t.lists[name] = &lazy{list: sync.OnceValue(func() *List { return read(name) })}
	}
	return t
}

// lazy is a list that may not have been read yet.
type lazy struct{ list func() *List }

func ready(l *List) *lazy { return &lazy{func() *List { return l }} }

// read reads an embedded file. One that cannot be read would be a list that knows no price; a test reads every one.
func read(name string) *List {
	f, err := files.Open("data/" + name + ".txt")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // read only
	var text strings.Builder
	if info, err := f.Stat(); err == nil {
		text.Grow(int(info.Size()))
	}
	if _, err := io.Copy(&text, f); err != nil {
		return nil
	}
	lists, err := parse(text.String())
	if err != nil || len(lists) != 1 || lists[0].Provider != name {
		return nil
	}
	return lists[0]
}
