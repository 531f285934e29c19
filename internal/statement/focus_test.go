package statement

import (
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/gateway"
)

func focus(t interface {
	Helper()
	Fatal(...any)
}, m *memory,
) []map[string]string {
	t.Helper()
	var b strings.Builder
	n, err := Focus(context.Background(), m, gateway.EntryQuery{}, &b)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || int64(len(rows)) != n+1 {
		t.Fatal(n, len(rows), err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		one := map[string]string{}
		for i, cell := range row {
			one[rows[0][i]] = cell
		}
		out = append(out, one)
	}
	return out
}

func TestFocus(t *testing.T) {
	m := &memory{entries: []gateway.Entry{entry(1, "shop", 0), entry(2, "shop", time.Hour), entry(3, "shop", 24*time.Hour)}}
	heard := entry(4, "shop", 48*time.Hour)
	heard.Items, heard.Cost = []gateway.EntryItem{{Component: "second", Units: 1_500, Price: 100_000_000_000}}, 150_000_000
	m.entries = append(m.entries, heard, correction(&m.entries[0], -100, 0, "why", start))
	rows := focus(t, m)
	if len(rows) != 6 {
		t.Fatalf("%d rows", len(rows))
	}
	for column, want := range map[string]string{
		"BilledCost": "0.20", "EffectiveCost": "0.20", "ListCost": "0.20", "ContractedCost": "0.20", "BillingCurrency": "USD",
		"BillingAccountId": "acme", "BillingPeriodStart": "2026-10-01T00:00:00Z", "BillingPeriodEnd": "2026-11-01T00:00:00Z",
		"ChargePeriodStart": "2026-10-01T00:00:00Z", "ChargePeriodEnd": "2026-10-02T00:00:00Z", "ChargeCategory": "Usage", "ChargeClass": "",
		"ConsumedQuantity": "2000000", "ConsumedUnit": "Tokens", "PricingQuantity": "2000000", "PricingUnit": "Tokens", "ListUnitPrice": "0.0000001",
		"ProviderName": "openai", "PublisherName": "openai", "InvoiceIssuerName": "", "ServiceCategory": "AI and Machine Learning", "ServiceName": "openai",
		"ServiceSubcategory": "Generative AI", "SkuMeter": "input", "SkuId": "openai/gpt-4.1-nano", "SubAccountId": "shop", "x_Key": "shop-key", "x_Model": "assistant", "x_Payer": "caller",
		"ChargeDescription": "input of openai/gpt-4.1-nano",
	} {
		if got := rows[1][column]; got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if c := rows[0]; c["ChargeClass"] != "Correction" || c["BilledCost"] != "-0.0000001" || c["ConsumedQuantity"] != "" {
		t.Errorf("%v", c)
	}
	if c := rows[5]; c["ConsumedQuantity"] != "1.5" || c["ConsumedUnit"] != "Seconds" || c["BilledCost"] != "0.15" || c["ListUnitPrice"] != "0.0001" {
		t.Errorf("%v", c)
	}
	mandatory := strings.Fields(`BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory ChargeClass
		ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName ListCost PricingQuantity PricingUnit ProviderName
		PublisherName ServiceCategory ServiceName`)
	for _, column := range mandatory {
		if !slices.Contains(focusHead, column) {
			t.Errorf("%s is missing", column)
		}
	}
}

// TestFocusSums: the rows come to what the entries come to, whatever their items say.
func TestFocusSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &memory{}
		for i := range rapid.IntRange(1, 10).Draw(t, "n") {
			e := entry(i, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "team"), time.Duration(rapid.IntRange(0, 60).Draw(t, "at"))*time.Hour)
			e.Items = nil
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				e.Items = append(e.Items, gateway.EntryItem{
					Component: rapid.SampledFrom([]string{"input", "output", "second"}).Draw(t, "component"),
					Units:     rapid.Int64Range(0, 1e9).Draw(t, "units"), Price: rapid.Int64Range(0, 1e12).Draw(t, "price"),
				})
			}
			e.Cost = gateway.Money(rapid.Int64Range(-1e9, 1e12).Draw(t, "cost"))
			m.entries = append(m.entries, e)
		}
		var got gateway.Money
		for _, row := range focus(t, m) {
			cost, err := ParseMoney(row["BilledCost"], 0)
			if err != nil {
				t.Fatal(err)
			}
			got += cost
		}
		if got != total(m) {
			t.Fatalf("%s, want %s", got, total(m))
		}
	})
}
