module weir/e2e

go 1.26.0

require weir v0.0.0

require github.com/coder/websocket v1.8.15 // indirect

replace weir => ../
