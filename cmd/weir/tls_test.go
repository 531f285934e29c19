package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate for 127.0.0.1 and returns the pool that trusts it.
func certify(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{"tls.crt": cert, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// TestTLS serves HTTPS, over HTTP/2 too, and takes a renewed certificate without a restart.
func TestTLS(t *testing.T) {
	back, backOut := start(t, "sim", "--listen", "127.0.0.1:0", "--pace", "-1ns")
	defer func() { _ = back.Process.Kill() }()
	sim := backOut.find(t, `listening on (http://127.0.0.1:\d+)`)
	dir := t.TempDir()
	file := filepath.Join(dir, "weir.yaml")
	pool := certify(t, dir, 1)
	document := func(n int) {
		text := fmt.Sprintf("version: 1\nnode: { listen: { data: { address: \"127.0.0.1:0\", tls: { cert: { file: tls.crt }, key: { file: tls.key } } } } }\nproviders:\n  sim: { base_url: \"%s\", speaks: [anthropic] }\nmodels:\n  m%d: { targets: [{ provider: sim, model: sim-1 }] }\nkeys: [{ name: web, key: wr-0123456789abcdef }]\n", sim, n)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	document(1)
	_, out := start(t, "serve", "-c", file)
	url := out.find(t, `"url":"(https://127.0.0.1:\d+)"`)
	ask := func(pool *x509.CertPool, model string) (serial string, proto int, err error) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages", strings.NewReader(`{"model":"`+model+`","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"Hello"}]}`))
		req.Header.Set("X-Api-Key", "wr-0123456789abcdef")
		resp, err := client.Do(req)
		if err != nil {
			return "", 0, err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return "", 0, fmt.Errorf("status %d", resp.StatusCode)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.String(), resp.ProtoMajor, nil
	}
	if serial, proto, err := ask(pool, "m1"); err != nil || serial != "1" || proto != 2 {
		t.Fatalf("serial %s over HTTP/%d: %v\n%s", serial, proto, err, out)
	}
	pool = certify(t, dir, 2)
	document(2)
	for range 300 {
		serial, _, err := ask(pool, "m2")
		if err == nil && serial == "2" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the renewed certificate is not served\n%s", out)
}
