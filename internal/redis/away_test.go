package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/pot"
	"weir/internal/redis"
	"weir/internal/storetest"
)

func fleet(s gateway.Shares) storetest.Fleet {
	return storetest.Fleet{Shares: s, Open: func(node string, s gateway.Shares) storetest.FleetNode {
		return pot.New(pot.Options{Node: node, Shares: s})
	}}
}

// TestFrozen: a server that is frozen delays nobody.
func TestFrozen(t *testing.T) {
	server := storetest.OwnRedis(t)
	fleet(open(t, server.Fresh())).Freezes(t, server.Freeze, server.Thaw)
}

// TestAway: a server that is not there when the gateway starts, or goes away, is no reason not to start; what asks for it
// is told, and it is found again.
func TestAway(t *testing.T) {
	server := storetest.OwnRedis(t)
	url := server.Fresh()
	server.Down()
	s := open(t, url)
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "redis") {
		t.Error(err)
	}
	if _, err := s.Claim(t.Context(), "a", []gateway.Claim{{Pot: &gateway.Pot{Name: "x", Kind: gateway.Purse, Amount: 1}, Seq: 1, Total: 1}}); err == nil {
		t.Error("no error")
	}
	server.Again(t)
	for range 100 {
		if s.Ping(t.Context()) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("no error after Close")
	}
}

// TestFlushed: a node that goes on when the server has lost everything does not spend what it had spent before once more.
func TestFlushed(t *testing.T) {
	server := storetest.OwnRedis(t)
	p := pot.New(pot.Options{Node: "a", Shares: open(t, server.Fresh())})
	defer p.Close(context.Background())
	purse := &gateway.Pot{Name: "budget/x", Kind: gateway.Purse, Amount: 1000, Window: gateway.Window{Every: gateway.Month}}
	spent := int64(0)
	spend := func(most int64) {
		for dry := 0; dry < 60 && spent < most; {
			if _, _, ok := p.Draw(t.Context(), purse, time.Now(), 5); ok {
				spent, dry = spent+5, 0
			} else {
				dry++
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	spend(600)
	server.Again(t)
	spend(2000)
	if spent > 1000 || spent < 950 {
		t.Errorf("spent %d of 1000", spent)
	}
}

// TestAddress: an address that cannot be read is an error, without its password.
func TestAddress(t *testing.T) {
	for _, url := range []string{"", "http://u:secret@x", "redis://u:secret@x:y/z", "redis://:secret@%zz"} {
		if s, err := redis.Open(t.Context(), url, "", redis.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
			if s != nil {
				s.Close()
			}
		}
	}
	server := storetest.OwnRedis(t, "--requirepass", "sesame")
	for password, good := range map[string]bool{"sesame": true, "": false, "wrong": false} {
		s, err := redis.Open(t.Context(), server.Fresh(), password, redis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); (err == nil) != good || err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("%q: %v", password, err)
		}
		s.Close()
	}
}

// TestPrefix: gateways with different prefixes share nothing.
func TestPrefix(t *testing.T) {
	url := storetest.Redis(t)
	purse := &gateway.Pot{Name: "budget/x", Kind: gateway.Purse, Amount: 10}
	for _, prefix := range []string{"", "other"} {
		s, err := redis.Open(t.Context(), url, "", redis.Options{Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		got, err := s.Claim(t.Context(), "a", []gateway.Claim{{Pot: purse, Seq: 1, Total: 10}})
		if err != nil || got[0].N != 10 || got[0].Nodes != 1 {
			t.Error(got, err)
		}
	}
}
