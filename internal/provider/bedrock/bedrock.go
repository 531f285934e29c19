// Package bedrock signs requests to Amazon Bedrock with AWS Signature Version 4, by whatever credentials the AWS chain
// finds: environment, shared files, single sign-on, container or instance roles. A Bedrock API key needs none of this: it
// is sent as a bearer token like any other key.
package bedrock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
)

// service is the name requests are signed for.
const service = "bedrock"

// Signer signs for one region. Its zero value lacks one; it must not be copied.
type Signer struct {
	Region      string
	Credentials aws.CredentialsProvider // nil: the AWS chain, looked up when first needed
	Now         func() time.Time        // nil: time.Now

	once   sync.Once
	chain  aws.CredentialsProvider
	failed error
}

var _ provider.Adapter = (*Signer)(nil)

// Address implements provider.Adapter: Bedrock is addressed as its dialects say.
func (*Signer) Address(_ llm.Dialect, c dialect.Call) (dialect.Call, error) { return c, nil }

// Sign implements provider.Adapter.
func (s *Signer) Sign(r *http.Request, body []byte) error {
	source, err := s.source()
	if err != nil {
		return refused(err)
	}
	who, err := source.Retrieve(r.Context())
	if err != nil {
		return refused(err)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), who, r, hex.EncodeToString(sum[:]), service, s.Region, now()); err != nil {
		return refused(err)
	}
	return nil
}

// source returns the credentials, which are kept and renewed before they expire.
func (s *Signer) source() (aws.CredentialsProvider, error) {
	if s.Credentials != nil {
		return s.Credentials, nil
	}
	s.once.Do(func() {
		found, err := config.LoadDefaultConfig(context.Background(), config.WithRegion(s.Region))
		s.chain, s.failed = found.Credentials, err
	})
	return s.chain, s.failed
}

func refused(err error) error {
	return &fault.Fault{Kind: fault.UpstreamAuth, Origin: fault.There, Message: "no AWS credentials could be had to sign with (auth: aws)", Cause: err}
}
