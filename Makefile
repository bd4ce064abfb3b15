# The two commands of the README. Both install what they need, in code, and both are safe to repeat.
.DEFAULT_GOAL := help
.PHONY: help serve test test-long check build plugins fixtures tools bench

WITAPI := target/release/witapi
EXAMPLES := $(wildcard plugins/*-*)
FIXTURES := $(patsubst tests/fixtures/%/Cargo.toml,%,$(wildcard tests/fixtures/*/Cargo.toml))

help:
	@echo "make serve   build the host and the example plugins, then serve them on 127.0.0.1:8080"
	@echo "make test    build everything and run all tests"
	@echo "make test-long   what make test tries by chance, 100,000 times, and each fuzz target for 10 minutes"
	@echo "make check   formatting and clippy"
	@echo "make bench   measure the host beside a native axum server"

# Everything it needs; then the plugins of target/plugins, and whatever is copied there while it runs.
serve: plugins
	$(WITAPI) serve --plugins target/plugins

test: plugins fixtures
	@tools/setup-browser
	@tools/setup-judges
	cargo test --release -p witapi
	cargo test --release -p witapi-tests
	cargo test --release -p witapi-fuzz
	cd sdk/rust && CARGO_TARGET_DIR=../../target/guests cargo test --quiet --workspace

# WITAPI_CASES and WITAPI_SEED say how many values are tried and which, WITAPI_FUZZ_SECONDS how long a target is driven.
test-long: plugins fixtures
	@log=target/test-long.log; \
	WITAPI_CASES=$${WITAPI_CASES:-100000} cargo test --release -p witapi-tests -- --nocapture \
		acceptance round_trip formats patterns >$$log 2>&1 || { cat $$log; exit 1; }; \
	tools/fuzz >>$$log 2>&1 || { tail -n 60 $$log; exit 1; }; \
	grep '^total: ' $$log

check:
	cargo fmt --all --check
	@for crate in sdk/rust $(wildcard plugins/*-rust) tests/fixtures; do \
		cargo fmt --all --check --manifest-path $$crate/Cargo.toml || exit 1; done
	cargo clippy --release --workspace --all-targets -- -D warnings

build:
	cargo build --release -p witapi

# One after the other: the set-up scripts take no locks.
tools:
	@tools/setup-rust
	@tools/setup-python
	@tools/setup-node

# The host first: it embeds the WIT into components of other languages.
plugins: build tools
	@for example in $(EXAMPLES); do $(MAKE) --no-print-directory -C $$example || exit 1; done

fixtures: build tools
	@for name in $(FIXTURES); do tools/build-rust tests/fixtures/$$name target/fixtures/$$name.wasm || exit 1; done
	@for name in raw-python raw3-python; do tools/build-python tests/fixtures/$$name target/fixtures/$$name.wasm || exit 1; done
	@tools/build-js tests/fixtures/echo target/fixtures/echo-js.wasm --stub-wasi -n javascript

# Options of bench/run in ARGS, such as `make bench ARGS=--write`.
bench: build
	@tools/setup-rust
	@tools/setup-bench
	@$(MAKE) --no-print-directory -C plugins/orders-rust
	cargo build --release -p bench-native
	bench/run $(ARGS)
