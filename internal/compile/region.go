package compile

import (
	"net/url"
	"strings"
)

// charges returns the region by which a provider charges: the document's, or the one that OpenAI's addresses for data
// that stay in a region begin with.
func charges(base, region string) string {
	if region != "" {
		return region
	}
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	region, of, _ := strings.Cut(u.Hostname(), ".")
	if of != "api.openai.com" {
		return ""
	}
	return region
}
