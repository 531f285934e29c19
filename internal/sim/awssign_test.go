package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSignature holds the check of signatures against one that AWS publishes as an example.
func TestSignature(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?Param2=value2&Param1=value1", nil)
	r.Host = "example.amazonaws.com"
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "+
		"Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	if !signedFor(r, nil, secret) {
		t.Error("AWS's own example is refused")
	}
	for why, change := range map[string]func(*http.Request){
		"another date":   func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150830T123601Z") },
		"another host":   func(r *http.Request) { r.Host = "example.org" },
		"another method": func(r *http.Request) { r.Method = http.MethodPost },
		"another query":  func(r *http.Request) { r.RequestURI = "/?Param1=value1" },
		"another signature": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "b97", "b98", 1))
		},
		"no host signed": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		},
		"nothing": func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 ") },
	} {
		c := r.Clone(t.Context())
		c.RequestURI = r.RequestURI
		if change(c); signedFor(c, nil, secret) {
			t.Errorf("%s is taken", why)
		}
	}
	if signedFor(r, []byte("x"), secret) || signedFor(r, nil, secret+"x") {
		t.Error("another body or another secret is taken")
	}
}
