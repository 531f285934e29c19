package ledger_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
)

// children are what this program does instead of its tests when a test has started it with WEIR_LEDGER_CHILD set.
var children = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if child := children[os.Getenv("WEIR_LEDGER_CHILD")]; child != nil {
		if err := child(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const held = 1_000_000

func entry(id string, state gateway.EntryState, cost gateway.Money) *gateway.Entry {
	return &gateway.Entry{
		ID: id, Exchange: id, Node: "n", At: time.Now().UTC(), State: state, Payer: gateway.Caller, Account: gateway.Account{Team: "shop"},
		Target: gateway.Target{Provider: "p", Model: "m"}, Op: "chat", Cost: cost, Held: held, Tags: []string{"filling=" + strings.Repeat("x", 300)},
		Charges: []gateway.Charge{{Pot: "budget/shop"}},
	}
}
