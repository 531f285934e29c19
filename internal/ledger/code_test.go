package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"weir/internal/gateway"
	"weir/internal/journal"
	"weir/internal/llm"
)

// draw fills a value of any type that entries are made of. So a field that is added to an entry and forgotten in the
// encoding is found.
func draw(t *rapid.T, v reflect.Value, name string, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		if rapid.Bool().Draw(t, name+" is") {
			at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns")).UTC()
			v.Set(reflect.ValueOf(at))
		}
		return
	case llm.Fields:
		v.SetUint(uint64(rapid.Uint32().Draw(t, name)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.StringN(0, 20, 40).Draw(t, name))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, name))
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i), name+"."+v.Type().Field(i).Name, depth)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, name+" is") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), name, depth)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if b := rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(t, name); len(b) > 0 {
				v.SetBytes(b)
			}
			return
		}
		n := rapid.IntRange(0, 3).Draw(t, name+" items")
		if n == 0 || depth > 2 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i), fmt.Sprint(name, i), depth+1)
		}
	case reflect.Map:
		if n := rapid.IntRange(0, 3).Draw(t, name+" items"); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for i := range n {
				value := reflect.New(v.Type().Elem()).Elem()
				value.SetBytes([]byte(rapid.StringN(1, 10, 20).Draw(t, name)))
				v.SetMapIndex(reflect.ValueOf(fmt.Sprint(i, rapid.StringN(0, 5, 10).Draw(t, name))), value)
			}
		}
	default:
		t.Fatalf("%s is of a kind that this test does not know: %s", name, v.Type())
	}
}

func drawEntry(t *rapid.T) gateway.Entry {
	var e gateway.Entry
	draw(t, reflect.ValueOf(&e).Elem(), "Entry", 0)
	if e.ID == "" {
		e.ID = "id"
	}
	return e
}

// Every field comes back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := drawEntry(r)
		k := rapid.SampledFrom([]kind{kindHold, kindEntry}).Draw(r, "kind")
		b := appendEntry([]byte("before"), k, &want)
		if !bytes.HasPrefix(b, []byte("before")) {
			r.Fatal("it is not appended")
		}
		b = b[len("before"):]
		if got, id, err := kindOf(b); err != nil || got != k || string(id) != want.ID {
			r.Fatalf("%v, %q, %v", got, id, err)
		}
		got, e, err := decode(b)
		clear(b) // nothing of it is kept
		if err != nil || got != k || !cmp.Equal(e, want) {
			r.Fatalf("%v, %v\n%s", got, err, cmp.Diff(want, e))
		}
	})
}

// The same again with every number at its limits, which rapid seldom comes to.
func TestRoundTripOfAll(t *testing.T) {
	for _, n := range []int64{1, -1, 1<<63 - 1, -1 << 63} {
		u := llm.Usage{Said: 1<<32 - 1, Estimated: 1, Cost: "0.1", Tier: "x", Extra: llm.Extra{"a": []byte("1")}}
		for _, p := range counts(&u) {
			*p = n
		}
		want := typical("id")
		want.Usage, want.Attempt, want.Cost, want.Held, want.Saved = &u, int(n), gateway.Money(n), gateway.Money(n), gateway.Money(n)
		_, got, err := decode(appendEntry(nil, kindEntry, &want))
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("%v\n%s", err, cmp.Diff(want, got))
		}
	}
	// counts has every number of usage.
	var u llm.Usage
	for _, p := range counts(&u) {
		*p = 1
	}
	v := reflect.ValueOf(u)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Int64 && v.Field(i).Int() != 1 {
			t.Errorf("Usage.%s is not written", v.Type().Field(i).Name)
		}
	}
}

// A later version may have more fields, of every kind and everywhere.
func TestLaterFields(t *testing.T) {
	want := typical("id")
	b := appendEntry(nil, kindEntry, &want)
	b = appendInt(b, 99, -5)
	b = appendText(b, 1000, "something new")
	b = append(binary.AppendUvarint(b, 101<<3|wireFixed), 1, 2, 3, 4, 5, 6, 7, 8)
	b = append(binary.AppendUvarint(b, 102<<3|wireHalf), 1, 2, 3, 4)
	b, at := open(b, fieldCharge)
	b = appendText(b, chargePot, "pot")
	b = appendText(b, 50, "new")
	b = fill(b, at)
	b, at = open(b, fieldUsage)
	b = appendInt(b, usageCounts, 7)
	b = appendInt(b, usageCounts+200, 7)
	b = fill(b, at)
	_, got, err := decode(b)
	want.Charges = append(want.Charges, gateway.Charge{Pot: "pot"})
	want.Usage = &llm.Usage{Input: 7}
	if err != nil || !cmp.Equal(got, want) {
		t.Fatalf("%v\n%s", err, cmp.Diff(want, got))
	}
}

func TestNoRecord(t *testing.T) {
	e := typical("id")
	whole := appendEntry(nil, kindEntry, &e)
	for n := range whole {
		_, got, err := decode(whole[:n])
		if err == nil && got.ID != "id" {
			t.Errorf("%d bytes are an entry without an ID", n)
		}
	}
	for _, b := range [][]byte{nil, {version}, {version, byte(kindHold)}, {version, byte(kindHold), 0}, appendText([]byte{version, 1}, fieldNode, "x")} {
		if _, _, err := decode(b); err == nil {
			t.Errorf("%x is an entry", b)
		}
	}
	for _, b := range [][]byte{append([]byte{2}, whole[1:]...), append([]byte{version, 9}, whole[2:]...)} {
		if _, _, err := kindOf(b); err == nil || !strings.Contains(err.Error(), "later version") {
			t.Errorf("%x: %v", b[:2], err)
		}
	}
}

// An entry that is too long for a record is shortened, and its amounts stay.
func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", journal.MaxRecord)
	for name, change := range map[string]func(*gateway.Entry){
		"extra":    func(e *gateway.Entry) { e.Usage.Extra = llm.Extra{"a": []byte(long)} },
		"rounds":   func(e *gateway.Entry) { e.Usage.Rounds = []llm.Usage{{Input: 3, Extra: llm.Extra{"a": []byte(long)}}} },
		"end user": func(e *gateway.Entry) { e.EndUser = long },
		"tags":     func(e *gateway.Entry) { e.Tags = []string{long, "b"} },
	} {
		e := typical("id")
		change(&e)
		before := e.Usage.Extra["a"]
		b := record(nil, kindEntry, &e)
		if len(b) > journal.MaxRecord {
			t.Errorf("%s: %d bytes", name, len(b))
		}
		_, got, err := decode(b)
		if err != nil || got.Cost != e.Cost || got.ID != "id" || got.Usage.Input != e.Usage.Input || len(got.Charges) != len(e.Charges) {
			t.Errorf("%s: %v %.300v", name, err, got)
		}
		if !bytes.Equal(before, e.Usage.Extra["a"]) {
			t.Errorf("%s: the entry was changed", name)
		}
	}
}

// typical is an entry as they come.
func typical(id string) gateway.Entry {
	return gateway.Entry{
		ID: id, Exchange: "0197b2a4-7c1e-7000-8000-000000000001", Attempt: 1, Node: "weir-1", Revision: "42",
		At: time.Date(2026, 11, 24, 16, 0, 0, 123456789, time.UTC), Ended: time.Date(2026, 11, 24, 16, 0, 3, 0, time.UTC),
		State: gateway.EntryDone, Payer: gateway.Caller,
		Account: gateway.Account{Organisation: "acme", Team: "shop", Project: "search", User: "ada", Key: "shop-search"},
		EndUser: "user-1234", Session: "s-5678", Tags: []string{"env=prod", "feature=search"},
		Op: "chat", Dialect: "openai-chat", Spoken: "anthropic-messages", Rule: "default", Asked: "cheap",
		Target: gateway.Target{Provider: "anthropic", Model: "claude-haiku-4-5"}, Model: "claude-haiku-4-5-20251001",
		UpstreamID: "req_011CSHoEeqs5C35K2UUqR7Fy", AnswerID: "msg_01XFDUDYJgAACzvnptvVoYEL",
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead, Input: 1234, CacheRead: 1000, Output: 321},
		Items: []gateway.EntryItem{
			{Component: "input", Units: 234, Price: 1_000_000_000},
			{Component: "cache-read", Units: 1000, Price: 100_000_000},
			{Component: "output", Units: 321, Price: 5_000_000_000},
		},
		Cost: 1_939_000, Held: 9_000_000, Price: "anthropic/claude-haiku-4-5@2026-11",
		Charges: []gateway.Charge{{Pot: "budget/shop-month", Window: 1793491200}, {Pot: "budget/all", Window: 1793491200}},
	}
}

func FuzzDecode(f *testing.F) {
	e := typical("id")
	whole := appendEntry(nil, kindEntry, &e)
	f.Add(whole)
	f.Add(whole[:40])
	f.Add(appendDrop(nil, "id"))
	deep := llm.Usage{Input: 1}
	for range 12 {
		deep = llm.Usage{Rounds: []llm.Usage{deep}}
	}
	e.Usage = &deep
	f.Add(appendEntry(nil, kindEntry, &e))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, e, err := decode(b)
		if err != nil {
			return
		}
		again := appendEntry(nil, k, &e)
		if _, got, err := decode(again); err != nil || !cmp.Equal(got, e) {
			t.Fatalf("%v\n%s", err, cmp.Diff(e, got))
		}
	})
}
