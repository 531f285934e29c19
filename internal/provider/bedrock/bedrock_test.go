package bedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
)

func request(t *testing.T, s *Signer, path, body string) (*http.Request, error) {
	t.Helper()
	p := &provider.HTTP{Label: "bedrock", Base: "https://bedrock-runtime.eu-central-1.amazonaws.com", Auth: "aws", Adapter: s}
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	return p.Request(t.Context(), provider.Shot{
		Dialect: llm.BedrockConverse, Body: io.NopCloser(strings.NewReader(body)),
		Client: http.Header{"Authorization": {"Bearer of-the-client"}, "User-Agent": {"boto3"}},
		Call:   dialect.Call{Path: path, Body: []byte(body)},
	})
}

// TestSign signs as AWS describes it; the signature is computed here once more, step by step.
func TestSign(t *testing.T) {
	now := time.Date(2026, 5, 17, 12, 30, 0, 0, time.UTC)
	s := &Signer{Region: "eu-central-1", Now: func() time.Time { return now }, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", "SESSION")}
	const body = `{"messages":[]}`
	for _, path := range []string{"/model/amazon.nova-pro-v1%3A0/converse", "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Fx/converse-stream"} {
		req, err := request(t, s, path, body)
		if err != nil {
			t.Fatal(err)
		}
		if req.URL.EscapedPath() != path || req.Header.Get("X-Amz-Security-Token") != "SESSION" || strings.Contains(req.Header.Get("Authorization"), "of-the-client") {
			t.Errorf("%s %v", req.URL, req.Header)
		}
		if got, want := req.Header.Get("Authorization"), expected(t, req, body); got != want {
			t.Errorf("signed\n%s, want\n%s", got, want)
		}
		again, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(again); string(b) != body {
			t.Errorf("the body to send again is %s", b)
		}
	}
}

// expected is the header of a signed request by the steps of AWS Signature Version 4.
func expected(t *testing.T, req *http.Request, body string) string {
	t.Helper()
	_, list, ok := strings.Cut(req.Header.Get("Authorization"), "SignedHeaders=")
	if !ok {
		t.Fatalf("not signed: %v", req.Header)
	}
	list, _, _ = strings.Cut(list, ",")
	names := strings.Split(list, ";")
	if !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") || !slices.IsSorted(names) {
		t.Errorf("signed headers %v", names)
	}
	var headers strings.Builder
	for _, name := range names {
		value := req.Header.Get(name)
		switch name {
		case "host":
			value = req.Host
		case "content-length":
			value = "15"
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	segments := strings.Split(req.URL.EscapedPath(), "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	canonical := strings.Join([]string{req.Method, strings.Join(segments, "/"), "", headers.String(), list, sum(body)}, "\n")
	const scope = "20260517/eu-central-1/bedrock/aws4_request"
	text := strings.Join([]string{"AWS4-HMAC-SHA256", "20260517T123000Z", scope, sum(canonical)}, "\n")
	key := []byte("AWS4SECRET")
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return "AWS4-HMAC-SHA256 Credential=AKID/" + scope + ", SignedHeaders=" + list + ", Signature=" + hex.EncodeToString(key)
}

// TestNoCredentials says so, and does not name what it was looking for.
func TestNoCredentials(t *testing.T) {
	s := &Signer{Region: "eu-central-1", Credentials: aws.AnonymousCredentials{}}
	_, err := request(t, s, "/model/x/converse", "{}")
	if f := fault.Of(err); err == nil || f.Kind != fault.UpstreamAuth || !strings.Contains(f.Message, "auth: aws") {
		t.Errorf("%v", err)
	}
}

// TestChain finds what the environment holds.
func TestChain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	req, err := request(t, &Signer{Region: "us-east-1"}, "/model/x/converse", "{}")
	if err != nil || !strings.Contains(req.Header.Get("Authorization"), "Credential=AKENV/") || !strings.Contains(req.Header.Get("Authorization"), "/us-east-1/bedrock/") {
		t.Errorf("%v %v", req, err)
	}
}
