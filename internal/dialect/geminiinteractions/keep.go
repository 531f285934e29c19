package geminiinteractions

import (
	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/rawjson"
)

// Thread implements dialect.Threaded. An interaction is kept unless the call says no.
func (interactions) Thread(c dialect.Call) (dialect.Thread, error) {
	t := dialect.Thread{Member: "previous_interaction_id"}
	var err error
	if !rawjson.IsNull(c.Index.Get(c.Body, atStore)) {
		var on bool
		if on, err = flag(&c.Index, c.Body, atStore, "store"); err != nil {
			return t, err
		}
		t.Store = &on
	}
	if t.Background, err = flag(&c.Index, c.Body, atBackground, "background"); err != nil {
		return t, err
	}
	if raw := c.Index.Get(c.Body, atPrevious); !rawjson.IsNull(raw) {
		if t.Previous = rawjson.Text(raw); t.Previous == "" {
			return t, malformed("previous_interaction_id", "previous_interaction_id must be the id of an interaction")
		}
	}
	return t, nil
}

// Whole implements dialect.Threaded.
func (interactions) Whole(f frame.Frame) []byte {
	if f.Event != "interaction.completed" && f.Event != "interaction.complete" {
		return nil
	}
	return rawjson.Get(f.Data, "interaction")
}

// ItemIDs implements dialect.Threaded: steps are not referred to.
func (interactions) ItemIDs([]byte) []string { return nil }
