package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"weir/internal/config"
	"weir/internal/price"
)

func serveCommand() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "serve", Short: "run a gateway from a document", Args: none,
		Long: `Serve runs a gateway from one document. It reads the document again when the file changes and on SIGHUP; one that
is not right is refused whole and the last good one stays. Prices in files (node.prices) are taken over the same way.
SIGTERM and SIGINT let open exchanges finish (node.drain).

Log and records go to standard output, one JSON line each.`,
		Example: "  weir serve -c weir.yaml\n  OPENAI_API_KEY=… weir serve -c weir.yaml | tee weir.log",
		RunE:    func(c *cobra.Command, _ []string) error { return serve(c.Context(), file) },
	}
	fileFlag(c, &file)
	return c
}

// fileFlag adds the document's flag.
func fileFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "weir.yaml", "the document")
}

func serve(ctx context.Context, file string) error {
	n, err := newNode(os.Stdout, nil)
	if err != nil {
		return err
	}
	defer n.close()
	n.file = file
	n.open = func(doc *config.Document) error { return n.openAccounts(ctx, doc) }
	if err := n.load(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return coded{exitUsage, fmt.Errorf("there is no document at %s; name one with -c, or try `weir demo`", file)}
		}
		return coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	if err := n.keep(n.doc.Node.DataDir); err != nil {
		return err
	}
	n.wake()
	listen := n.doc.Node.Listen
	listeners := map[net.Listener]http.Handler{}
	data, err := net.Listen("tcp", listen.Data.Address)
	if err != nil {
		return fmt.Errorf("cannot listen for applications: %w", err)
	}
	scheme := "http"
	if listen.Data.TLS.Cert.Set() {
		scheme = "https"
		if _, err := n.certificate(nil); err != nil {
			return coded{exitDocument, fmt.Errorf("node.listen.data.tls: %w", err)}
		}
		data = tls.NewListener(data, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: n.certificate, NextProtos: []string{"h2", "http/1.1"}})
	}
	listeners[data] = n.api()
	if listen.Metrics.Address != "" {
		l, err := net.Listen("tcp", listen.Metrics.Address)
		if err != nil {
			return fmt.Errorf("cannot listen for metrics: %w", err)
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", n.metrics.Handler())
		listeners[l] = mux
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	for _, name := range append([]string{file}, n.doc.Files...) {
		go func() {
			if err := config.Watch(watching, name, n.reload); err != nil {
				n.log.Error("changes are not noticed any more; SIGHUP still reads the document again", "file", name, "error", err)
			}
		}()
	}
	if path := n.prices.path; path != "" {
		go func() {
			if err := config.WatchPath(watching, path, price.Suffix, n.reprice); err != nil {
				n.log.Error("changes of prices are not noticed any more; SIGHUP still reads them again", "path", path, "error", err)
			}
		}()
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for {
			select {
			case <-hup:
				n.reprice()
				n.reload()
			case <-watching.Done():
				return
			}
		}
	}()
	if len(n.doc.Keys) == 0 {
		n.log.Warn("the document names no keys, so every request is refused; add one under keys")
	}
	n.log.Info("ready", "url", scheme+"://"+data.Addr().String(), "revision", n.engine.Snapshot().Revision, "version", versionText(),
		"providers", len(n.doc.Providers), "models", len(n.doc.Models), "keys", len(n.doc.Keys))
	return n.serve(ctx, n.doc.Node.Drain, listeners)
}
