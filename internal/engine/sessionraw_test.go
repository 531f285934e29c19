package engine_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// rawTalk opens a session and returns its connection, so that a test can break the rules of WebSocket.
func rawTalk(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Write([]byte("GET /v1/realtime?model=talk HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " + gatewaytest.Key + "\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	return conn
}
