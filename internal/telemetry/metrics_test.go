package telemetry

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// scrape returns the lines of our own series, without those of histogram buckets.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("scrape: %d %s\n%s", w.Code, w.Header(), w.Body)
	}
	var out []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "weir_") && !strings.Contains(line, "_bucket{") {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
	}
	return out
}

func observe(m *Metrics, all ...*gateway.Exchange) {
	for _, x := range all {
		m.Begin(x)
		m.End(x)
	}
}

func TestMetricsGolden(t *testing.T) {
	dropped := uint64(3)
	m := NewMetrics(MetricsOptions{Version: "1.2.3", Dropped: func() uint64 { return dropped }})
	m.Counter("weir_seals_full_total", "Seals that left early.", func() uint64 { return 4 })
	m.Gauge("weir_seals", "Seals kept.", func() int64 { return 5 })
	observe(m, plain(), plain(), eventful())
	refused := &gateway.Exchange{
		Op: llm.OpChat, Dialect: llm.AnthropicMessages, Head: llm.Head{Model: "junk"}, Status: 404,
		Ending: gateway.Refused, Fault: fault.New(fault.NotFound, "no such model"), Took: time.Millisecond, BytesIn: 10, BytesOut: 20,
	}
	observe(m, refused)
	left := plain()
	left.Ending, left.Status, left.Usage, left.FirstEvent, left.BytesIn, left.BytesOut = gateway.ClientGone, 499, nil, 0, 0, 0
	left.Attempts[0].Status, left.Attempts[0].Took = 0, 0
	left.Cost, left.Overrun = gateway.Dollar/4, gateway.Dollar/8
	observe(m, left)
	m.Begin(plain())
	m.Reload(true, "r6")
	m.Reload(true, "r7")
	m.Reload(false, "r8")

	var got []string
	for _, line := range scrape(t, m) {
		if !strings.HasPrefix(line, "weir_build_info") {
			got = append(got, line)
		} else if want := regexp.MustCompile(`^weir_build_info\{goversion="go1\.\S+",version="1\.2\.3"\} 1$`); !want.MatchString(line) {
			t.Errorf("build info: %s", line)
		}
	}
	want := []string{
		`weir_attempts_total{model="claude-opus-4-1-20250805",outcome="cut",provider="anthropic"} 1`,
		`weir_attempts_total{model="gpt-4.1-mini",outcome="client_gone",provider="openai"} 1`,
		`weir_attempts_total{model="gpt-4.1-mini",outcome="ok",provider="openai"} 2`,
		`weir_attempts_total{model="llama-3.3-70b",outcome="overloaded",provider="gpu"} 1`,
		`weir_bytes_total{direction="in"} 12973`,
		`weir_bytes_total{direction="out"} 29648`,
		`weir_config_last_reload_successful 0`,
		`weir_config_reloads_total{result="ok"} 2`,
		`weir_config_reloads_total{result="refused"} 1`,
		`weir_config_revision{revision="r7"} 1`,
		`weir_cost_usd_total{key="",rule=""} 0`,
		`weir_cost_usd_total{key="team-a",rule="fast"} 0.25`,
		`weir_cost_usd_total{key="team-a",rule="smart"} 0`,
		`weir_estimated_tokens_total{type="input"} 0`,
		`weir_estimated_tokens_total{type="output"} 0`,
		`weir_exchange_duration_seconds_sum{operation="chat",rule=""} 0.001`,
		`weir_exchange_duration_seconds_count{operation="chat",rule=""} 1`,
		`weir_exchange_duration_seconds_sum{operation="chat",rule="fast"} 2.70375`,
		`weir_exchange_duration_seconds_count{operation="chat",rule="fast"} 3`,
		`weir_exchange_duration_seconds_sum{operation="chat",rule="smart"} 0.90125`,
		`weir_exchange_duration_seconds_count{operation="chat",rule="smart"} 1`,
		`weir_exchanges_open 1`,
		`weir_exchanges_total{dialect="anthropic-messages",ending="refused",key="",operation="chat",rule="",status_class="4xx"} 1`,
		`weir_exchanges_total{dialect="openai-chat",ending="client_gone",key="team-a",operation="chat",rule="fast",status_class="4xx"} 1`,
		`weir_exchanges_total{dialect="openai-chat",ending="cut",key="team-a",operation="chat",rule="smart",status_class="2xx"} 1`,
		`weir_exchanges_total{dialect="openai-chat",ending="done",key="team-a",operation="chat",rule="fast",status_class="2xx"} 2`,
		`weir_first_event_seconds_sum{operation="chat",rule=""} 0`,
		`weir_first_event_seconds_count{operation="chat",rule=""} 0`,
		`weir_first_event_seconds_sum{operation="chat",rule="fast"} 0.263`,
		`weir_first_event_seconds_count{operation="chat",rule="fast"} 2`,
		`weir_first_event_seconds_sum{operation="chat",rule="smart"} 0.1315`,
		`weir_first_event_seconds_count{operation="chat",rule="smart"} 1`,
		`weir_losses_total{dialect="openai-chat",grade="changed",target_dialect="anthropic-messages"} 1`,
		`weir_losses_total{dialect="openai-chat",grade="dropped",target_dialect="anthropic-messages"} 1`,
		`weir_overrun_usd_total 0.125`,
		`weir_records_dropped_total 3`,
		`weir_seals 5`,
		`weir_seals_full_total 4`,
	}
	for _, set := range []struct {
		rule, key                          string
		read, write, input, output, reason int
	}{{"", "", 0, 0, 0, 0, 0}, {"fast", "team-a", 2048, 0, 2400, 80, 0}, {"smart", "team-a", 0, 100, 681, 50, 0}} {
		for _, v := range []struct {
			kind string
			n    int
		}{{"cache_read", set.read}, {"cache_write", set.write}, {"input", set.input}, {"output", set.output}, {"reasoning", set.reason}} {
			want = append(want, fmt.Sprintf(`weir_tokens_total{key="%s",rule="%s",type="%s"} %d`, set.key, set.rule, v.kind, v.n))
		}
	}
	sortTokens(want)
	sortTokens(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

// Junk from clients leaves the number of series bounded, and counts stay whole.
func TestMetricsBounded(t *testing.T) {
	const sets, junk = 50, 3000
	m := NewMetrics(MetricsOptions{Sets: sets})
	observe(m, plain())
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := range junk {
				x := eventful()
				name := fmt.Sprintf("junk-%d-%d", g, i)
				if i%3 == 0 {
					name += strings.Repeat("x", 1<<12)
				}
				if i%5 == 0 {
					name += "\xff\x00\n\""
				}
				x.Plan.Rule, x.Grant = name, &gateway.Grant{Account: gateway.Account{Key: name}}
				x.Attempts[0].Target.Model, x.Attempts[1].Target.Provider = name, name
				x.Attempts[1].Dialect = llm.Dialect(name)
				observe(m, x)
			}
		})
	}
	wg.Wait()
	observe(m, plain())
	count, sum := map[string]int{}, 0
	for _, line := range scrape(t, m) {
		family, rest, _ := strings.Cut(line, "{")
		count[family]++
		if family == "weir_exchanges_total" {
			var n int
			if _, err := fmt.Sscan(rest[strings.LastIndexByte(rest, ' '):], &n); err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		if len(line) > 1000 {
			t.Errorf("a long series: %s", line)
		}
	}
	if sum != 2*junk+2 {
		t.Errorf("%d exchanges were counted, want %d", sum, 2*junk+2)
	}
	for family, n := range count {
		limit := sets + 10
		if family == "weir_tokens_total" {
			limit *= 5
		}
		if n > limit {
			t.Errorf("%s has %d series, want %d at most", family, n, limit)
		}
	}
	all := strings.Join(scrape(t, m), "\n")
	for _, want := range []string{
		`{dialect="openai-chat",ending="done",key="team-a",operation="chat",rule="fast",status_class="2xx"} 2`,
		`{dialect="openai-chat",ending="cut",key="other",operation="chat",rule="other",status_class="2xx"}`,
		`{model="other",outcome="cut",provider="other"}`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %s", want)
		}
	}
}

func TestMetricsLongNames(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	x := plain()
	x.Plan.Rule, x.Attempts[0].Target.Model = strings.Repeat("r", maxLabel+1), strings.Repeat("m", maxLabel+1)
	observe(m, x)
	all := strings.Join(scrape(t, m), "\n")
	for _, want := range []string{`key="other",operation="chat",rule="other"`, `{model="other",outcome="ok",provider="other"} 1`} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %s", want)
		}
	}
}

// Providers have stated numbers that a counter cannot take.
func TestMetricsStrangeNumbers(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	x := plain()
	x.Usage = &llm.Usage{Said: ^llm.Fields(0), Input: -5, Output: -6, CacheRead: -7, CacheWrite: -8, Reasoning: -9}
	x.BytesIn, x.BytesOut, x.Took, x.FirstEvent, x.Status = -1, -2, -3, -4, 70000
	observe(m, x)
	if all := strings.Join(scrape(t, m), "\n"); !strings.Contains(all, `status_class="none"} 1`) {
		t.Errorf("the exchange is not counted:\n%s", all)
	}
}

func TestMetricsRuntime(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ngo_goroutines ", "\nprocess_resident_memory_bytes ", "\n# EOF"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("missing %q", want)
		}
	}
}

// sortTokens puts the token series last and in order, as the golden list has them.
func sortTokens(lines []string) {
	rank := func(s string) string {
		if strings.HasPrefix(s, "weir_tokens_total") {
			return "~" + s
		}
		return ""
	}
	for i := 1; i < len(lines); i++ {
		for j := i; j > 0 && rank(lines[j]) < rank(lines[j-1]); j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
}

func TestMetricsAllocs(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	failed := eventful()
	failed.Fault = fault.Of(errors.New("x"))
	for name, x := range map[string]*gateway.Exchange{"plain": plain(), "eventful": failed} {
		if got := testing.AllocsPerRun(1000, func() { m.Begin(x); m.End(x) }); got != 0 {
			t.Errorf("%s: an exchange allocates %v times, the ceiling is 0", name, got)
		}
	}
	// Beyond the bound it is the same: a client with junk names must not be dearer than others.
	m = NewMetrics(MetricsOptions{Sets: 1})
	observe(m, eventful())
	x := plain()
	if got := testing.AllocsPerRun(1000, func() { m.Begin(x); m.End(x) }); got != 0 {
		t.Errorf("folded: an exchange allocates %v times, the ceiling is 0", got)
	}
}

func BenchmarkMetrics(b *testing.B) {
	for name, x := range map[string]*gateway.Exchange{"plain": plain(), "eventful": eventful()} {
		b.Run(name, func(b *testing.B) {
			m := NewMetrics(MetricsOptions{})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					m.Begin(x)
					m.End(x)
				}
			})
		})
	}
}
