// Revproxy is the shortest gateway Go can write: httputil.ReverseProxy, which
// never looks at the body.
package main

import (
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9201", "listen address")
	up := flag.String("upstream", "http://127.0.0.1:9100", "upstream base URL")
	flag.Parse()
	u, err := url.Parse(*up)
	if err != nil {
		log.Fatal(err)
	}
	p := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(u) },
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true},
	}
	log.Fatal((&http.Server{Addr: *addr, Handler: p, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}
