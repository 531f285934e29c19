package main

import (
	"fmt"
	"sync/atomic"
)

// stat counts everything since the last reset; open is a gauge.
var stat struct {
	conns, open, reqBytes, s200, s429, s500, hang, drop, stream, cut, unmarked atomic.Int64
	kind                                                                       [kinds]atomic.Int64
}

func statsJSON(p []byte) []byte {
	p = append(p, '{')
	for i := range kinds {
		p = fmt.Appendf(p, "%q:%d,", kindName[i], stat.kind[i].Load())
	}
	return fmt.Appendf(p, `"conns":%d,"open":%d,"request_bytes":%d,"ok":%d,"rate_limited":%d,"errors":%d,"hung":%d,"dropped":%d,"streams":%d,"client_gone":%d,"unmarked":%d}`,
		stat.conns.Load(), stat.open.Load(), stat.reqBytes.Load(), stat.s200.Load(), stat.s429.Load(), stat.s500.Load(), stat.hang.Load(), stat.drop.Load(), stat.stream.Load(), stat.cut.Load(), stat.unmarked.Load())
}

func reset() {
	for i := range stat.kind {
		stat.kind[i].Store(0)
	}
	for _, c := range []*atomic.Int64{&stat.conns, &stat.reqBytes, &stat.s200, &stat.s429, &stat.s500, &stat.hang, &stat.drop, &stat.stream, &stat.cut, &stat.unmarked} {
		c.Store(0)
	}
}
