package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const awsSigned = "AWS4-HMAC-SHA256 "

// signedFor reports whether a request is signed with a secret by AWS's Signature Version 4, whatever its access key is
// called. How old it is is not looked at.
func signedFor(r *http.Request, body []byte, secret string) bool {
	fields := map[string]string{}
	for f := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), awsSigned), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[name] = value
	}
	_, scope, _ := strings.Cut(fields["Credential"], "/")
	parts := strings.Split(scope, "/") // day, region, service, aws4_request
	signed := strings.Split(fields["SignedHeaders"], ";")
	stamp := r.Header.Get("X-Amz-Date")
	if len(parts) != 4 || parts[3] != "aws4_request" || !strings.HasPrefix(stamp, parts[0]) || !slices.Contains(signed, "host") || !slices.IsSorted(signed) {
		return false
	}
	sum := sha256.Sum256(body)
	var canonical strings.Builder
	path, query, _ := strings.Cut(r.RequestURI, "?")
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, encodeAgain(path), sortedQuery(query))
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", fields["SignedHeaders"], sum)

	request := sha256.Sum256([]byte(canonical.String()))
	key := []byte("AWS4" + secret)
	for _, p := range parts {
		key = hmacOf(key, p)
	}
	want := hmacOf(key, fmt.Sprintf("%s\n%s\n%s\n%x", strings.TrimSpace(awsSigned), stamp, scope, request))
	got, err := hex.DecodeString(fields["Signature"])
	return err == nil && hmac.Equal(got, want)
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// encodeAgain encodes a path that is encoded already, as all services but S3 demand.
func encodeAgain(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func sortedQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if !strings.Contains(p, "=") {
			parts[i] += "="
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}
