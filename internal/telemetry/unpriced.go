package telemetry

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/internal/gateway"
)

// unpricedKey is every label of the count of exchanges whose cost is not known.
type unpricedKey struct {
	rule   string
	target gateway.Target
}

// unpricedTable returns the series of exchanges whose cost is not known.
func (m *Metrics) unpricedTable(sets int) series[unpricedKey, prometheus.Counter] {
	return series[unpricedKey, prometheus.Counter]{
		limit: sets,
		open: func(k unpricedKey) *prometheus.Counter {
			c := m.unpriced.WithLabelValues(label(k.rule), label(k.target.Provider), label(k.target.Model))
			return &c
		},
		own: func(k unpricedKey) unpricedKey {
			k.rule = strings.Clone(k.rule)
			k.target = gateway.Target{Provider: strings.Clone(k.target.Provider), Model: strings.Clone(k.target.Model)}
			return k
		},
		fold: func(unpricedKey) unpricedKey {
			return unpricedKey{other, gateway.Target{Provider: other, Model: other}}
		},
		long: func(k unpricedKey) bool {
			return len(k.rule) > maxLabel || len(k.target.Provider) > maxLabel || len(k.target.Model) > maxLabel
		},
	}
}

// alertEvery is how long after an alert the next one comes at the earliest.
const alertEvery = time.Minute

// Unpriced is a gateway.Observer that tells the log of answers whose cost is not known, where the document wants to be
// told (defaults.unpriced: alert): one line a minute at most, with how many answers it stands for. It is safe for
// concurrent use and makes nobody wait.
type Unpriced struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex // guards both; taken where there is something to tell
	last time.Time  // of the last line
	more int        // answers since
}

// NewUnpriced returns an Unpriced that writes to log.
func NewUnpriced(log *slog.Logger) *Unpriced { return &Unpriced{log: log, now: time.Now} }

// Begin implements gateway.Observer.
func (u *Unpriced) Begin(*gateway.Exchange) {}

// End implements gateway.Observer.
func (u *Unpriced) End(x *gateway.Exchange) {
	if !x.Alert {
		return
	}
	u.mu.Lock()
	u.more++
	now, n := u.now(), u.more
	if !u.last.IsZero() && now.Sub(u.last) < alertEvery {
		u.mu.Unlock()
		return
	}
	u.last, u.more = now, 0
	u.mu.Unlock()
	t := x.Answered()
	u.log.Warn("what an answer costs is not known; state a price under providers."+bounded(t.Provider, MaxName)+".prices",
		"answers", n, "target", bounded(t.String(), MaxName), "rule", bounded(x.Plan.Rule, MaxName), "unpriced", x.Unpriced, "id", x.ID)
}
