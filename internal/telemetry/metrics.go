package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// DefaultSets is how many label sets a family of metrics has before others are folded into "other".
const DefaultSets = 1000

// Buckets in seconds: those of the OpenTelemetry GenAI conventions (gen_ai.server.request.duration,
// gen_ai.server.time_to_first_token), continued for long streams.
var (
	durationBuckets = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36}
	firstBuckets    = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30, 60}
)

// MetricsOptions configures Metrics; the zero value is usable.
type MetricsOptions struct {
	Version string        // of the program, for weir_build_info
	Sets    int           // label sets per family; 0 = DefaultSets
	Dropped func() uint64 // lines the record lost (Record.Dropped); nil = no such metric
}

// Metrics counts exchanges. It is a gateway.Observer, safe for concurrent use; Begin and End take well under a
// microsecond and allocate nothing once an exchange of the same labels has been seen.
type Metrics struct {
	registry *prometheus.Registry

	exchanges *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	first     *prometheus.HistogramVec
	attempts  *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	cost      *prometheus.CounterVec
	losses    *prometheus.CounterVec
	unpriced  *prometheus.CounterVec
	running   prometheus.Gauge
	in, out   prometheus.Counter

	estimatedIn, estimatedOut, overrun prometheus.Counter

	revision *prometheus.GaugeVec
	reloads  *prometheus.CounterVec
	reloaded prometheus.Gauge

	byExchange series[exchangeKey, exchangeSeries]
	byAttempt  series[attemptKey, prometheus.Counter]
	byLoss     series[lossKey, prometheus.Counter]
	byUnpriced series[unpricedKey, prometheus.Counter]

	mu sync.Mutex // one reload at a time; requests do not take it
}

// exchangeKey is every label the series of an exchange have.
type exchangeKey struct {
	op      llm.Op
	dialect llm.Dialect
	rule    string
	key     string
	ending  gateway.Ending
	class   uint8 // status / 100
}

// exchangeSeries is what an exchange adds to, found at one look.
type exchangeSeries struct {
	exchanges       prometheus.Counter
	duration, first prometheus.Observer

	input, output, cacheRead, cacheWrite, reasoning, cost prometheus.Counter
}

type attemptKey struct {
	target  gateway.Target
	outcome string
}

type lossKey struct {
	grade          llm.Grade
	client, target llm.Dialect
}

// NewMetrics returns metrics with a registry of their own, in which the Go runtime's and the process's stand as well.
func NewMetrics(o MetricsOptions) *Metrics {
	if o.Sets <= 0 {
		o.Sets = DefaultSets
	}
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.families()
	m.tables(o.Sets)
	build := m.gauges("weir_build_info", "The program; always 1.", "version", "goversion")
	build.WithLabelValues(label(o.Version), runtime.Version()).Set(1)
	if o.Dropped != nil {
		m.Counter("weir_records_dropped_total", "Exchange records and log lines lost because the writer was too slow or failed.", o.Dropped)
	}
	return m
}

func (m *Metrics) families() {
	m.exchanges = m.counters("weir_exchanges_total", "Exchanges that ended, by how they ended and the status the client got.",
		"operation", "dialect", "rule", "key", "ending", "status_class")
	m.duration = m.histograms("weir_exchange_duration_seconds", "Time from an exchange's start to its end.",
		durationBuckets, "operation", "rule")
	m.first = m.histograms("weir_first_event_seconds", "Time from an exchange's start until something of substance went to the client.",
		firstBuckets, "operation", "rule")
	m.attempts = m.counters("weir_attempts_total", "Tries of a target; outcome is ok or the kind of fault.",
		"provider", "model", "outcome")
	m.tokens = m.counters("weir_tokens_total",
		"Tokens as billed. input includes cache_read and cache_write, output includes reasoning: do not add them up.",
		"rule", "key", "type")
	estimated := m.counters("weir_estimated_tokens_total",
		"Tokens that no provider stated, as they were estimated; they are not in weir_tokens_total.", "type")
	m.estimatedIn, m.estimatedOut = estimated.WithLabelValues("input"), estimated.WithLabelValues("output")
	m.cost = m.counters("weir_cost_usd_total", "What exchanges cost, in dollars, as a floating-point number: the exact amounts are in the ledger.", "rule", "key")
	overrun := m.counters("weir_overrun_usd_total", "What attempts cost beyond what was held for them, in dollars.")
	m.overrun = overrun.WithLabelValues()
	m.losses = m.counters("weir_losses_total", "What a translation could not carry, by grade.",
		"grade", "dialect", "target_dialect")
	m.unpriced = m.counters("weir_unpriced_total", "Exchanges whose cost, or a part of it, is not known for want of a price.",
		"rule", "provider", "model")
	bytes := m.counters("weir_bytes_total", "Bytes of bodies received from clients (in) and sent to them (out).", "direction")
	m.in, m.out = bytes.WithLabelValues("in"), bytes.WithLabelValues("out")
	m.running = prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_exchanges_open", Help: "Exchanges under way."})
	m.reloaded = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "weir_config_last_reload_successful", Help: "1 if the last document was taken over, 0 if an older one still runs.",
	})
	m.registry.MustRegister(m.running, m.reloaded)
	m.revision = m.gauges("weir_config_revision", "The revision of the document that runs; always 1.", "revision")
	m.reloads = m.counters("weir_config_reloads_total", "Documents read, by result: ok or refused.", "result")
	m.reloads.WithLabelValues("ok")
	m.reloads.WithLabelValues("refused")
}

func (m *Metrics) tables(sets int) {
	m.byExchange = series[exchangeKey, exchangeSeries]{
		limit: sets,
		open:  m.openExchange,
		own: func(k exchangeKey) exchangeKey {
			k.rule, k.key = strings.Clone(k.rule), strings.Clone(k.key)
			return k
		},
		fold: func(k exchangeKey) exchangeKey {
			k.rule, k.key = other, other
			return k
		},
		long: func(k exchangeKey) bool { return len(k.rule) > maxLabel || len(k.key) > maxLabel },
	}
	m.byAttempt = series[attemptKey, prometheus.Counter]{
		limit: sets,
		open: func(k attemptKey) *prometheus.Counter {
			c := m.attempts.WithLabelValues(label(k.target.Provider), label(k.target.Model), k.outcome)
			return &c
		},
		own: func(k attemptKey) attemptKey {
			k.target = gateway.Target{Provider: strings.Clone(k.target.Provider), Model: strings.Clone(k.target.Model)}
			return k
		},
		fold: func(k attemptKey) attemptKey {
			k.target = gateway.Target{Provider: other, Model: other}
			return k
		},
		long: func(k attemptKey) bool { return len(k.target.Provider) > maxLabel || len(k.target.Model) > maxLabel },
	}
	m.byUnpriced = m.unpricedTable(sets)
	m.byLoss = series[lossKey, prometheus.Counter]{
		limit: sets,
		open: func(k lossKey) *prometheus.Counter {
			c := m.losses.WithLabelValues(k.grade.String(), label(string(k.client)), label(string(k.target)))
			return &c
		},
		own:  func(k lossKey) lossKey { return k },
		fold: func(k lossKey) lossKey { return lossKey{k.grade, other, other} },
		long: func(lossKey) bool { return false },
	}
}

func (m *Metrics) openExchange(k exchangeKey) *exchangeSeries {
	op, rule, key := label(string(k.op)), label(k.rule), label(k.key)
	class := "none"
	if k.class > 0 {
		class = strconv.Itoa(int(k.class)) + "xx"
	}
	return &exchangeSeries{
		exchanges:  m.exchanges.WithLabelValues(op, label(string(k.dialect)), rule, key, label(string(k.ending)), class),
		duration:   m.duration.WithLabelValues(op, rule),
		first:      m.first.WithLabelValues(op, rule),
		input:      m.tokens.WithLabelValues(rule, key, "input"),
		output:     m.tokens.WithLabelValues(rule, key, "output"),
		cacheRead:  m.tokens.WithLabelValues(rule, key, "cache_read"),
		cacheWrite: m.tokens.WithLabelValues(rule, key, "cache_write"),
		reasoning:  m.tokens.WithLabelValues(rule, key, "reasoning"),
		cost:       m.cost.WithLabelValues(rule, key),
	}
}

// dollars is an amount for eyes, not for sums.
func dollars(m gateway.Money) float64 { return float64(m) / float64(gateway.Dollar) }

// label makes a value fit for Prometheus, which takes UTF-8 only, and for eyes that may not see a key.
func label(s string) string { return bounded(s, MaxName) }

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

// Counter adds a metric that is read from elsewhere at each scrape; read must be safe for concurrent use and never
// fall. A name that is taken or not fit panics.
func (m *Metrics) Counter(name, help string, read func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
		func() float64 { return float64(read()) }))
}

// Gauge is Counter for a value that may fall.
func (m *Metrics) Gauge(name, help string, read func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
		func() float64 { return float64(read()) }))
}

// Begin implements gateway.Observer.
func (m *Metrics) Begin(*gateway.Exchange) { m.running.Inc() }

// End implements gateway.Observer. Nothing of the exchange is kept.
func (m *Metrics) End(x *gateway.Exchange) {
	m.running.Dec()
	k := exchangeKey{op: x.Op, dialect: x.Dialect, rule: x.Plan.Rule, ending: x.Ending}
	if x.Status >= 100 && x.Status <= 599 {
		k.class = uint8(x.Status / 100)
	}
	if x.Grant != nil {
		k.key = x.Grant.Key
	}
	s := m.byExchange.get(k)
	s.exchanges.Inc()
	if x.Took > 0 { // a request of a batch took nobody's time
		s.duration.Observe(x.Took.Seconds())
	}
	if x.FirstEvent > 0 {
		s.first.Observe(x.FirstEvent.Seconds())
	}
	s.count(x.Usage)
	if x.Cost > 0 {
		s.cost.Add(dollars(x.Cost))
	}
	if x.Overrun > 0 {
		m.overrun.Add(dollars(x.Overrun))
	}
	m.guess(x.Usage)
	add(m.in, x.BytesIn)
	add(m.out, x.BytesOut)
	for i := range x.Attempts {
		a := &x.Attempts[i]
		(*m.byAttempt.get(attemptKey{a.Target, outcome(x, a)})).Inc()
	}
	if len(x.Losses) > 0 {
		m.lost(x)
	}
	if x.Unpriced != "" {
		(*m.byUnpriced.get(unpricedKey{x.Plan.Rule, x.Answered()})).Inc()
	}
}

// outcome is the word for how an attempt went.
func outcome(x *gateway.Exchange, a *gateway.Attempt) string {
	switch {
	case a.Fault != nil:
		return a.Fault.Kind.String()
	case a.Status == 0 && x.Ending == gateway.ClientGone:
		return fault.ClientGone.String()
	}
	return "ok"
}

func (s *exchangeSeries) count(u *llm.Usage) {
	if u == nil {
		return
	}
	input, output := u.Billable()
	if u.Estimated&llm.SaidInput != 0 {
		input = 0
	}
	if u.Estimated&llm.SaidOutput != 0 {
		output = 0
	}
	add(s.input, input)
	add(s.output, output)
	add(s.cacheRead, u.CacheRead)
	add(s.cacheWrite, u.CacheWrite)
	add(s.reasoning, u.Reasoning)
}

// guess counts what was estimated.
func (m *Metrics) guess(u *llm.Usage) {
	if u == nil || u.Estimated == 0 {
		return
	}
	if u.Estimated&llm.SaidInput != 0 {
		add(m.estimatedIn, u.Input)
	}
	if u.Estimated&llm.SaidOutput != 0 {
		add(m.estimatedOut, u.Output)
	}
}

// add leaves out what is not above zero: a counter panics on a negative value, and providers have stated some.
func add(c prometheus.Counter, n int64) {
	if n > 0 {
		c.Add(float64(n))
	}
}

func (m *Metrics) lost(x *gateway.Exchange) {
	k := lossKey{client: x.Dialect}
	if n := len(x.Attempts); n > 0 {
		k.target = x.Attempts[n-1].Dialect
	}
	for i := range x.Losses {
		k.grade = x.Losses[i].Grade
		(*m.byLoss.get(k)).Inc()
	}
}

// Reload says that a document was taken over, with its revision, or refused (ok false; the revision is not looked at).
func (m *Metrics) Reload(ok bool, revision string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !ok {
		m.reloads.WithLabelValues("refused").Inc()
		m.reloaded.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloaded.Set(1)
	m.revision.Reset()
	m.revision.WithLabelValues(label(revision)).Set(1)
}

// scrapers is how many scrapes run at a time; a further one is answered 503.
const scrapers = 4

// Handler serves the metrics in Prometheus' text format, or OpenMetrics where the scraper asks for it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapers,
		EnableOpenMetrics:   true,
	})
}
