# The first target is what the README shows first: build kfs and check an application that has everything wrong.
KFS := dist/kfs

.PHONY: demo
demo: $(KFS)
	@echo '$$ $(KFS) check fixtures/apps/shop-bad'
	@$(KFS) check fixtures/apps/shop-bad; test $$? -eq 1

# go build knows better than make what changed.
.PHONY: $(KFS)
$(KFS):
	@go build -trimpath -o $(KFS) ./harness

# Everything that CI runs.
.PHONY: test
test: vet unit policies generated parity

.PHONY: vet
vet:
	go vet ./...

# harness/e2e is parity's.
.PHONY: unit
unit:
	go test $$(go list ./... | grep -v /harness/e2e)

.PHONY: policies
policies: $(KFS)
	$(KFS) test fixtures

.PHONY: generated
generated: $(KFS)
	$(KFS) generate --check

# Every consumer, built from source, against kfs; a table of what each judged. UPDATE=1 writes it into the README.
.PHONY: parity
parity:
	@rm -rf dist/parity
	KFS_PARITY=$(CURDIR)/dist/parity go test -count=1 -p 1 -timeout 60m ./harness/e2e/...
	@go run ./harness/e2e/tally/table $(if $(UPDATE),--update)

# The part of parity that is a cluster: a real API server and Gatekeeper on loopback. Building them takes a quarter of an hour once.
# E2E=existing asks KUBECONFIG's cluster instead.
.PHONY: e2e
e2e:
	go test -count=1 -timeout 60m -v ./harness/e2e/cluster $(if $(filter existing,$(E2E)),-existing-cluster $(if $(filter yes,$(SYNC)),-existing-cluster-sync))

.PHONY: generate
generate: $(KFS)
	$(KFS) generate

.PHONY: bench
bench:
	go test -run '^$$' -bench . -benchmem ./harness/internal/...

.PHONY: clean
clean:
	rm -rf dist
