package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/gateway"
)

// A FleetNode is one node of a fleet under test.
type FleetNode interface {
	gateway.Pots
	Load(gateway.PotSpent)
	Close(ctx context.Context) error
}

// Fleet has nodes draw from a purse that they share through a store, and sees that they spend no more than there is.
type Fleet struct {
	Shares gateway.Shares
	// Open starts a node, or starts it again after its death.
	Open  func(node string, s gateway.Shares) FleetNode
	Nodes int
	// Deaths says that nodes die and come back.
	Deaths bool
}

// Spent is what a run of a fleet came to.
type Spent struct {
	Amount, Spent int64
	Draws         int64 // that were granted
	Refused       int64
	Deaths        int
}

// fleetNode is a node with what its journal would say.
type fleetNode struct {
	mu    sync.Mutex // guards the rest; a node dies between two draws
	name  string
	pots  FleetNode
	spent int64
	open  map[int64]gateway.Drawn
	next  int64
	line  *lifeline
}

// lifeline is the store as one life of a node sees it: a node that is dead is not heard.
type lifeline struct {
	gateway.Shares
	dead atomic.Bool
}

var errDead = errors.New("the node is dead")

// Claim implements gateway.Shares.
func (l *lifeline) Claim(ctx context.Context, node string, claims []gateway.Claim) ([]gateway.Granted, error) {
	if l.dead.Load() {
		return nil, errDead
	}
	return l.Shares.Claim(ctx, node, claims)
}

// Take implements gateway.Shares.
func (l *lifeline) Take(ctx context.Context, asks []gateway.Ask) ([]gateway.Granted, error) {
	if l.dead.Load() {
		return nil, errDead
	}
	return l.Shares.Take(ctx, asks)
}

// lives starts a node.
func (n *fleetNode) lives(f Fleet) {
	n.line = &lifeline{Shares: f.Shares}
	n.pots = f.Open(n.name, n.line)
}

// Run makes one run: each draw holds up to a hundredth of the purse and comes to a random part of it, most of them after a
// moment. At no time may what is drawn and spent on all nodes exceed the purse.
func (f Fleet) Run(t testing.TB, seed uint64) Spent {
	t.Helper()
	const amount = 1_000_000_000
	pot := &gateway.Pot{Name: fmt.Sprintf("budget/fleet-%d-%d-%t", seed, f.Nodes, f.Deaths), Kind: gateway.Purse, Unit: gateway.Spend, Amount: amount, Window: gateway.Window{Every: gateway.Month}}
	rnd := rand.New(rand.NewPCG(seed, 7))
	at := time.Now()
	nodes := make([]*fleetNode, f.Nodes)
	for i := range nodes {
		nodes[i] = &fleetNode{name: fmt.Sprintf("node-%d", i), open: map[int64]gateway.Drawn{}}
		nodes[i].lives(f)
	}
	var total atomic.Int64 // drawn and spent, everywhere
	var granted, refused atomic.Int64
	var wg sync.WaitGroup
	out := Spent{Amount: amount}
	limit := make(chan struct{}, 8) // so many calls are under way
	dry := 0
	for dry < 60 {
		n := nodes[rnd.IntN(len(nodes))]
		hold := 1 + rnd.Int64N(amount/100)
		used := rnd.Int64N(hold + 1)
		lasts := time.Duration(rnd.IntN(3000)) * time.Microsecond
		if f.Deaths && rnd.IntN(200) == 0 {
			out.Deaths++
			n.dies(f, pot, at)
			continue
		}
		n.mu.Lock()
		d, _, ok := n.pots.Draw(context.Background(), pot, at, hold)
		if !ok {
			n.mu.Unlock()
			refused.Add(1)
			dry++
			time.Sleep(5 * time.Millisecond)
			continue
		}
		dry = 0
		if sum := total.Add(hold); sum > amount {
			t.Errorf("seed %d: %d drawn of %d", seed, sum, int64(amount))
		}
		granted.Add(1)
		n.next++
		id := n.next
		n.open[id] = d
		n.mu.Unlock()
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			time.Sleep(lasts)
			n.mu.Lock()
			defer n.mu.Unlock()
			if _, there := n.open[id]; !there {
				return // the node died: what was held is spent
			}
			delete(n.open, id)
			n.spent += used
			total.Add(used - hold)
			n.pots.Settle(d, used)
		})
	}
	wg.Wait()
	for _, n := range nodes {
		if err := n.pots.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if total.Load() > amount {
		t.Errorf("seed %d: %d spent of %d", seed, total.Load(), int64(amount))
	}
	out.Spent, out.Draws, out.Refused = total.Load(), granted.Load(), refused.Load()
	return out
}

// dies loses a node and starts it again: what was held is spent, and that is what its journal tells.
func (n *fleetNode) dies(f Fleet, pot *gateway.Pot, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.dead.Store(true)
	_ = n.pots.Close(context.Background()) // for its goroutines
	for id, d := range n.open {
		n.spent += d.Amount
		delete(n.open, id)
	}
	n.lives(f)
	n.pots.Load(gateway.PotSpent{
		Charge: gateway.Charge{Pot: pot.Name, Window: pot.Window.Begin(at).Unix()}, Node: n.name, Spent: gateway.Money(n.spent),
	})
}

// Spends has fleets of one and of three nodes spend a purse, and three that die now and then, with so many seeds each.
func (f Fleet) Spends(t *testing.T, seeds int) {
	for _, of := range []struct {
		name   string
		nodes  int
		deaths bool
		least  int64 // per cent
	}{{"one node", 1, false, 95}, {"three nodes", 3, false, 90}, {"three nodes that die", 3, true, 90}} {
		t.Run(of.name, func(t *testing.T) {
			f := f
			f.Nodes, f.Deaths = of.nodes, of.deaths
			var mu sync.Mutex
			var all Spent
			worst := int64(100)
			var wg sync.WaitGroup
			slots := make(chan struct{}, 4)
			for seed := range seeds {
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					got := f.Run(t, uint64(seed+1000*of.nodes))
					mu.Lock()
					defer mu.Unlock()
					all.Draws, all.Refused, all.Deaths = all.Draws+got.Draws, all.Refused+got.Refused, all.Deaths+got.Deaths
					worst = min(worst, got.Spent*100/got.Amount)
				})
			}
			wg.Wait()
			if worst < of.least {
				t.Errorf("a fleet spent %d %% of its budget", worst)
			}
			t.Logf("%d seeds: at least %d %% spent, %d draws granted, %d refused, %d deaths", seeds, worst, all.Draws, all.Refused, all.Deaths)
		})
	}
}

// Seeds is how many a test with fleets takes: a few, or as many as WEIR_SEEDS says.
func Seeds() int {
	if n, err := strconv.Atoi(os.Getenv("WEIR_SEEDS")); err == nil && n > 0 {
		return n
	}
	return 3
}
