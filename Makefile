# Everything a developer does goes through here; `make` lists it. README.md explains demo and test.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
SOURCES := ./cmd/... ./internal/...

# Recorded traffic and the providers' specifications, where somebody has them beside the checkout. Tests that read them
# skip, saying so, when the variables are not set.
ifneq ($(wildcard ../shared/recordings/.),)
export WEIR_RECORDINGS ?= $(abspath ../shared/recordings)
endif
ifneq ($(wildcard ../shared/specs/.),)
export WEIR_SPECS ?= $(abspath ../shared/specs)
endif

# How long each fuzz target runs: within `make test`, and within `make long RUN=fuzz`.
FUZZTIME      ?= 1s
LONG_FUZZTIME ?= 60s

# How long the gateway runs under mixed load: within `make test`, and within `make long RUN=soak`.
SOAKTIME      ?= 20s
LONG_SOAKTIME ?= 30m

# How often money is tried with dying processes and frozen stores in `make long RUN=chaos`, each time with another seed.
LONG_SEEDS    ?= 100

say = @printf '\n== %s\n' "$(1)"

.PHONY: help demo build test check bench long e2e fmt generate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## build and run a gateway in front of a simulated provider: make demo ARGS='--listen 127.0.0.1:8080'
	bin/weir demo $(ARGS)

build: ## bin/weir, static and stripped
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/weir ./cmd/weir

# Tests run twice: all of them under the race detector, then, without it, the packages that hold figures (they count
# allocations, or have files tagged `//go:build !race`), for the detector allocates and slows down.
test: ## everything that decides whether a change is right: vet, tests with -race, ceilings, short fuzz, bench's tests, short soak and chaos, e2e
	@tools/need go gcc git node npm python3 postgres redis-server
	@for v in WEIR_RECORDINGS WEIR_SPECS; do [ -n "$${!v:-}" ] || echo "$$v is not set: the tests that read that folder skip"; done
	$(call say,vet)
	go vet $(SOURCES)
	$(call say,behaviour under the race detector)
	go test -race -count=1 $(SOURCES)
	$(call say,ceilings and figures without the race detector)
	@p=$$(grep -rlE --include='*_test.go' '^//go:build .*!race|testing\.AllocsPerRun' cmd internal | xargs -rn1 dirname | sort -u | sed 's,^,./,'); \
	if [ -n "$$p" ]; then go test -count=1 $$p; else echo "none yet"; fi
	$(call say,fuzz targets for $(FUZZTIME) each)
	@tools/fuzz $(FUZZTIME)
	$(call say,the measuring rig)
	@if [ -f bench/go.mod ]; then cd bench && go vet ./... && go test -count=1 ./...; else echo "bench/ is missing"; exit 1; fi
	@$(MAKE) build
	$(call say,mixed load for $(SOAKTIME))
	cd bench && go run ./soak -bin $(abspath bin/weir) -d $(SOAKTIME) -round 2s
	$(call say,money under chaos, in short)
	cd bench && go run ./chaos -bin $(abspath bin/weir) -short -seeds 1
	@$(MAKE) e2e

check: bin/tools/gofumpt bin/tools/golangci-lint ## formatting, lint, hygiene
	$(call say,format)
	@f=$$(bin/tools/gofumpt -l .); \
	if [ -n "$$f" ]; then echo "not formatted, run make fmt:"; echo "$$f"; exit 1; fi
	$(call say,lint)
	bin/tools/golangci-lint run $(SOURCES)
	@for d in bench e2e; do if [ -f $$d/go.mod ]; then echo "lint $$d"; (cd $$d && ../bin/tools/golangci-lint run ./...); fi; done
	$(call say,hygiene)
	go test -count=1 ./internal/hygiene

bench: build ## measure the gateway against its baselines: make bench ARGS=-quick
	cd bench && WEIR_BIN=$(abspath bin/weir) ./run.sh $(ARGS)

long: build ## what takes long: make long RUN=fuzz (each target for LONG_FUZZTIME, 60s), RUN=soak (mixed load for LONG_SOAKTIME, 30m), RUN=chaos (LONG_SEEDS, 100), RUN=rows (WEIR_ROWS entries, 10 million, in each store)
	@case '$(RUN)' in \
	fuzz) tools/fuzz $(LONG_FUZZTIME);; \
	soak) cd bench && go run ./soak -bin $(abspath bin/weir) -d $(LONG_SOAKTIME);; \
	chaos) cd bench && go run ./chaos -bin $(abspath bin/weir) -seeds $(LONG_SEEDS);; \
	rows) WEIR_ROWS=$${WEIR_ROWS:-10000000} go test -count=1 -timeout 6h -run TestRows -v ./internal/sqlite ./internal/postgres;; \
	*) echo "make long RUN=fuzz|soak|chaos|rows: RUN is '$(RUN)'"; exit 2;; esac

e2e: build ## the official SDKs (Node, Python) against bin/weir in front of the simulated provider
	$(call say,end to end with the official SDKs)
	@tools/need go node npm python3
	@e2e/setup
	cd e2e && WEIR_BIN=$(abspath bin/weir) go test -count=1 -v .

fmt: bin/tools/gofumpt ## format all Go files
	bin/tools/gofumpt -l -w .

generate: bin/tools/sqlc ## write again what is made from the code: go:generate, reference pages, golden lists
	go generate $(SOURCES)
	go test -count=1 ./internal/hygiene -run TestModules -update
	go test -count=1 ./internal/config -run Reference -update
	go test -count=1 ./internal/dialect/dialecttest -run TranslationTable -update

# Tools are built when first used, from their own module; golangci-lint takes minutes.
bin/tools/gofumpt: tools/go.mod
	@mkdir -p $(@D)
	cd tools && go build -o ../$@ mvdan.cc/gofumpt

bin/tools/golangci-lint: tools/go.mod
	@mkdir -p $(@D); echo "building golangci-lint; this takes minutes the first time"
	cd tools && go build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/tools/sqlc: tools/sqlc/go.mod
	@mkdir -p $(@D); echo "building sqlc; this takes minutes the first time"
	cd tools/sqlc && go build -o ../../$@ github.com/sqlc-dev/sqlc/cmd/sqlc
