package api

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// session opens sessions over a WebSocket, nil where the build lacks the dialect.
func (a *api) session(name llm.Dialect) http.HandlerFunc {
	d, live := a.o.Dialect(name).(dialect.Live)
	if !live {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { a.o.Engine.ServeSession(w, r, d) }
}

// past refuses what would open a session whose sound and usage go past the gateway: keys for browsers, WebRTC and SIP.
func (a *api) past(w http.ResponseWriter, r *http.Request) {
	f := fault.New(fault.Unsupported, "%s would open a session past the gateway, which then knows nothing of it; open the WebSocket /v1/realtime?model=NAME with the gateway's own key", bounded(r.URL.Path))
	f.Code = "realtime_websocket_only"
	a.refuse(w, r, f)
}
