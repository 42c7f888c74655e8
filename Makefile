# What a developer runs; HACKING.md says what each target is for and how long it takes.

GOLANGCI := v2.15.0
DEADCODE := v0.52.0
NFPM     := v2.45.2
VULN     := v1.9.0
CYCLONE  := v1.10.0
PACK     := bin/nfpm-$(NFPM)
LIST     := bin/cyclonedx-gomod-$(CYCLONE)
LINT     := bin/golangci-lint-$(GOLANGCI)
FUZZTIME ?= 10s
FUZZED   ?= ./...
BENCH    ?= .
RACED    := ./admission ./chain ./store ./view ./node ./session ./broker ./api ./server ./live ./fleet ./bridge ./demo

SHELL       := /bin/bash
.SHELLFLAGS := -eo pipefail -c

.PHONY: build test race lint fmt deadcode gen web verifier budget browser screenshot fuzz bench mutants books certificates ledgers kill fontana swiss load devices packages vulnerabilities release-check ci

build:
	CGO_ENABLED=0 go build -trimpath -o bin/commonwatt ./cmd/commonwatt

test:
	go test ./...

race:
	go test -race -short -shuffle=on $(RACED)

lint: $(LINT)
	$(LINT) run ./...

fmt: $(LINT)
	$(LINT) fmt ./...

$(LINT):
	mkdir -p bin
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv bin/golangci-lint $@

# Code that neither the command nor a test reaches. Silence is success.
deadcode:
	@out=$$(go run golang.org/x/tools/cmd/deadcode@$(DEADCODE) -test ./...) || exit 1; \
	if [ -n "$$out" ]; then echo "$$out"; exit 1; fi

gen:
	go run ./docs/gen

# The web app, from web/src to web/dist, which is committed and embedded.
web: web/node_modules/.ready
	cd web && npm run types && npm run check && npm run build

web/node_modules/.ready: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	touch $@

# The verifier of proofs for browsers, which is committed and embedded. Another version
# of Go makes other bytes.
verifier:
	GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w' -o verifier/verify.wasm ./verifier/wasm
	gzip -9nf verifier/verify.wasm && chmod 644 verifier/verify.wasm.gz
	go env GOVERSION > verifier/made-with.txt
	cp "$$(go env GOROOT)/lib/wasm/wasm_exec.js" verifier/wasm_exec.js

# What the browser loads first, against its budgets.
budget: web/node_modules/.ready
	cd web && npm run budget

# The pages in a real browser, over a real node.
browser: build web/node_modules/.ready
	node --test --test-concurrency=1 web/test/*.test.mjs

# The pictures of the README, and those that the browser tests compare.
screenshot: build web/node_modules/.ready
	node web/test/screenshot.mjs

# Every fuzz target of every package, one after the other.
fuzz:
	@go test -list '^Fuzz' $(FUZZED) | awk '/^Fuzz/ {names[n++]=$$1} /^ok/ {for (i=0; i<n; i++) print $$2, names[i]; n=0}' | \
	while read -r pkg name; do \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	done

bench:
	go test -run '^$$' -bench '$(BENCH)' -benchmem \
		./merkle ./tx ./admission ./auction ./certificate ./node ./gateway ./view

mutants:
	go run ./tidy/mutants

# Random books of the market against slow references.
books:
	COMMONWATT_BOOKS=20000 go test -count=1 -timeout 30m ./auction

# Random things done to certificates, beside an auditor who reads receipts alone.
certificates:
	COMMONWATT_CERTIFICATES=1000000 go test -count=1 -timeout 30m ./certificate -run Model -v

# Random things done to certificates on two ledgers, whose messages are lost, repeated,
# reordered and forged.
ledgers:
	COMMONWATT_LEDGERS=1000000 go test -count=1 -timeout 30m ./certificate -run LedgersModel -v

# Crashes of the disk, SIGKILL under load: nothing acknowledged is lost, nothing
# applied twice.
kill:
	COMMONWATT_CAMPAIGN=200 go test -count=1 -timeout 60m ./store ./chain
	COMMONWATT_KILLS=500 go test -count=1 -timeout 60m ./node -run Killed -v

# A year of seventeen homes, from the shared data, with time and memory.
fontana:
	COMMONWATT_FONTANA=1 go test -count=1 -timeout 30m ./cmd/commonwatt -run Fontana -v

# Three weeks of 537 homes with values that cannot be, from the shared data.
swiss:
	COMMONWATT_SWISS=1 go test -count=1 -timeout 30m ./cmd/commonwatt -run Swiss -v

# Many clients at once against a live node.
load:
	COMMONWATT_LOAD=600 go test -count=1 -timeout 30m ./server -run Load -v

# Ten thousand devices for ten minutes, whose gateway and node are killed ten times each.
devices:
	COMMONWATT_DEVICES=1 go test -count=1 -timeout 60m ./cmd/commonwatt -run 'TestDevices$$' -v

# The Debian and the RPM package of a commit, and a list of what the program is built
# from (CycloneDX), in bin/packages: always the same bytes, as .ci/packages shows.
packages: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
packages: export VERSION = 0.1.0~$(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S)
packages: export ARCH = $(shell go env GOARCH)
packages: export CGO_ENABLED = 0
packages: $(PACK) $(LIST)
	rm -rf bin/packages
	mkdir -p bin/packages/man
	go build -trimpath -buildvcs=true -o bin/packages/commonwatt ./cmd/commonwatt
	$(HERE) manual bin/packages/man && gzip -9n bin/packages/man/*
	for shell in bash zsh fish; do $(HERE) completion $$shell > bin/packages/completion-$$shell || exit 1; done
	$(LIST) bin -json -noserial -notimestamp -std -output bin/packages/commonwatt.cdx.json bin/packages/commonwatt
	for kind in deb rpm; do $(PACK) package -f packaging/nfpm.yaml -p $$kind -t bin/packages/ || exit 1; done
	cd bin/packages && sha256sum *.* > SHA256SUMS

# The program for the machine that makes packages, which may be of another kind than the
# one that they are for.
HERE := env -u GOOS -u GOARCH go run -trimpath -buildvcs=true ./cmd/commonwatt

$(PACK):
	mkdir -p bin
	GOBIN=$(CURDIR)/bin go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM)
	mv bin/nfpm $@

# Its own sum is in what it writes, so it has to be the same everywhere, too.
$(LIST):
	mkdir -p bin
	CGO_ENABLED=0 GOBIN=$(CURDIR)/bin go install -trimpath github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONE)
	mv bin/cyclonedx-gomod $@

# Known holes in what we build on; asks Go's database of them.
vulnerabilities:
	go run golang.org/x/vuln/cmd/govulncheck@$(VULN) ./...

# What is promised of a release, at its full figures; docs/reliability.md has the last ones.
release-check:
	.ci/release-check

ci:
	.ci/run
