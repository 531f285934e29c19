package sim

import "net/http"

// textModel reads text only, as many models do that are served by themselves.
const textModel = "sim-text"

// readable refuses what a model that reads text only is shown.
func (x *exchange) readable(q *question) error {
	if q.model.ID != textModel {
		return nil
	}
	for _, t := range q.turns {
		if len(t.media) == 0 {
			continue
		}
		kind := "invalid_request_error"
		if x.face == bedrockFace {
			kind = "ValidationException"
		}
		return &refusal{status: http.StatusBadRequest, kind: kind, message: "This model reads text only, and was shown " + t.media[0] + "."}
	}
	return nil
}
