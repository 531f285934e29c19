package replay_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/replay"
)

// listed are the names of providers in the catalog, where those of the recordings are others.
var listed = map[string]string{"google": "gemini", "vercel-gateway": "vercel"}

// rounded is how far a cost that a provider states may be off for being rounded there: Perplexity's has five decimals.
const rounded = 5 * gateway.Dollar / 1_000_000

// TestRecordedCosts plays recorded calls by the price lists of their providers. Every answer has a cost, or the record
// says why not, and where the provider states a cost too the lists' is the same, as a rule. The table it logs is of both.
func TestRecordedCosts(t *testing.T) {
	type tally struct{ answered, priced, stated, unlisted, uncounted int }
	folders := map[string]*tally{}
	why := map[string]int{}
	compared, alike := 0, 0
	for _, d := range append(passing(), llm.OpenAIImages, llm.OpenAIAudio) {
		for _, r := range replay.Load(t, string(d)) {
			x := costOf(t, r, d)
			if x == nil || x.Ending != gateway.Done || x.Status != http.StatusOK {
				continue
			}
			f := folders[r.Folder]
			if f == nil {
				f = &tally{}
				folders[r.Folder] = f
			}
			f.answered++
			if said, ok := price.Stated(x.Usage); ok && !strings.HasSuffix(x.Price, "states") {
				if compared++; max(said-x.Cost, x.Cost-said) <= rounded {
					alike++
				} else {
					t.Logf("%s: %s says that it cost %s, the lists %s", r.ID, x.Answered(), said, x.Cost)
				}
			}
			switch {
			case x.Op == llm.OpModeration: // which is free
				f.priced++
			case x.Unpriced == "" && strings.HasSuffix(x.Price, "states"):
				f.stated++
			case x.Unpriced == "" && x.Price != "":
				f.priced++
			case strings.HasPrefix(x.Unpriced, "no price"):
				f.unlisted++
			default:
				f.uncounted++
				why[fmt.Sprintf("%s %s: %q", r.ID, x.Answered(), x.Unpriced)]++
			}
			if x.Unpriced == "" && x.Price == "" && x.Op != llm.OpModeration {
				t.Errorf("%s: %s costs nothing, and nobody says so", r.ID, x.Answered())
			}
		}
	}
	all := tally{}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		f := folders[name]
		t.Logf("%-24s answered %3d, priced %3d, stated by the provider %2d, without a price in the lists %2d, not counted %2d", name, f.answered, f.priced, f.stated, f.unlisted, f.uncounted)
		all.answered, all.priced, all.stated = all.answered+f.answered, all.priced+f.priced, all.stated+f.stated
		all.unlisted, all.uncounted = all.unlisted+f.unlisted, all.uncounted+f.uncounted
	}
	t.Logf("%+v", all)
	if known := all.priced + all.stated; known*100 < all.answered*80 {
		t.Errorf("the cost is known of %d answers of %d", known, all.answered)
	}
	t.Logf("of %d whose provider states a cost too, %d are the same", compared, alike)
	if compared < 50 || alike*100 < compared*85 {
		t.Error("the lists' costs are not those that providers state")
	}
	for _, line := range slices.Sorted(maps.Keys(why)) {
		t.Log(line)
	}
}

// costOf plays a recording to a gateway with its provider and the model it names, nil where it cannot be played.
func costOf(t *testing.T, r *replay.Recording, d llm.Dialect, holders ...gateway.Holder) *gateway.Exchange {
	t.Helper()
	if r.Request == nil || r.Response.Status != http.StatusOK {
		return nil
	}
	name := cmp.Or(listed[r.Provider], r.Provider)
	model, _, _ := strings.Cut(r.Model, ":batch") // which some took for a part of the name
	if _, rest, ok := bytes.Cut(r.Request.Base64, []byte("name=\"model\"\r\n\r\n")); ok && model == "" {
		field, _, _ := bytes.Cut(rest, []byte("\r\n"))
		model = string(field)
	}
	base := "http://127.0.0.1:9"
	if strings.HasPrefix(string(d), "openai-") {
		base += "/v1"
	}
	g := (&gatewaytest.Gateway{Upstream: replay.For(r), Holders: holders, Document: fmt.Sprintf("version: 1\nproviders:\n  %s: { base_url: %q, speaks: [%s], api_key: k, auth: bearer }\n"+
		"models:\n  %s: { targets: [{ provider: %s, model: %q }] }\nkeys: [{ name: test, key: %s, models: [\"*\"] }]\n",
		name, base, d, alias, name, cmp.Or(model, "none"), gatewaytest.Key)}).Start(t)
	if d == llm.OpenAIImages || d == llm.OpenAIAudio {
		body := mediaCall(t, r, alias)
		if body == nil {
			return nil
		}
		ct := r.Request.Headers["content-type"]
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.Endpoint.Path[strings.Index(r.Endpoint.Path, "/v1/"):], bytes.NewReader(body))
		req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {ct}}
		g.Handler.ServeHTTP(httptest.NewRecorder(), req)
	} else {
		question(r, d, alias).post(t, g.Handler)
	}
	if all := g.Records(); len(all) == 1 {
		return all[0]
	}
	return nil
}
