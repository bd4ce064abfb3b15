# The two commands of the README. Both install what they need, in code, and both are safe to repeat.
.DEFAULT_GOAL := help
.PHONY: help serve test test-quick test-without-direct test-timings test-long soak check docs dist build plugins fixtures bench bench-languages

WITAPI := target/release/witapi
EXAMPLES := $(wildcard plugins/*-*)
# Those with a contract and a source of their own; tests put the others together.
FIXTURES := $(foreach folder,$(patsubst %/wit,%,$(wildcard tests/fixtures/*/wit)),$(if $(wildcard $(folder)/src),$(folder)))
# Toolchains are installed into target/tools. What cargo makes of all plugins in Rust is in one folder: they share much.
BUILD := WITAPI_TOOLS=$(CURDIR)/target/tools CARGO_TARGET_DIR=$(CURDIR)/target/guests $(WITAPI) build --install

# The libraries are compiled a second time for their own tests. They are few, and quick without optimisations; what they
# depend on is the same as for the binary. The binary and the documentation have no tests of their own.
LIBRARIES := contract host authoring
UNIT := cargo test --release --lib $(foreach it,$(LIBRARIES),-p witapi-$(it) --config profile.release.package.witapi-$(it).opt-level=0)
# More threads than cores: many tests wait, for deadlines, for files to be whole, or for the one browser.
TESTS := cargo test --release -p witapi-tests -- --test-threads $(shell expr $$(nproc) + 2)

help:
	@echo "make serve   build the host and the example plugins, then serve them on 127.0.0.1:8080"
	@echo "make test    build everything and run all tests"
	@echo "make test-quick   the host's unit tests, and plugins from their source to an answer: within 3 minutes, once all is built"
	@echo "make test-without-direct   values of every type by a host without the feature direct"
	@echo "make test-timings   the tests that take longest"
	@echo "make test-long   what make test tries by chance, 100,000 times, and each fuzz target for 10 minutes"
	@echo "make soak    all attacks at once, for 20 minutes: answers right, memory and descriptors flat"
	@echo "make check   formatting, spelling, clippy, licences of what is depended on"
	@echo "make docs    the documentation site, in target/docs"
	@echo "make dist    what a release has, in target/dist: archive, Debian package, bill of materials, checksums"
	@echo "make bench   measure the host beside its peers: native axum, fastify, FastAPI, wasmtime serve"
	@echo "make bench-languages   measure what authors wait for, and what a template costs, in each language"

# Everything it needs; then the plugins of target/plugins, and whatever is copied there while it runs.
serve: plugins
	$(WITAPI) serve --plugins target/plugins

test: plugins fixtures
	@tools/setup-browser
	@tools/setup-commands
	@tools/setup-judges
	@tools/setup-tutorial
	$(UNIT)
	$(TESTS)
	cargo test --release -p witapi-fuzz
	@for crate in sdk/rust sdk/rust/macros; do \
		CARGO_TARGET_DIR=target/guests cargo test --quiet --manifest-path $$crate/Cargo.toml || exit 1; done

# What a user meets first, and what a change of the host breaks first: plugins from nothing to an answer, and what is asked of
# the examples; then routes, values, answers, loads and the store. Parts of the names of tests.
QUICK := languages::c languages::javascript languages::rust examples:: call:: hot_load:: serving:: routes:: contracts:: \
	params:: bodies:: values:: outcomes:: raw:: keyvalue:: plugin_tests::

test-quick: plugins fixtures
	$(UNIT)
	$(TESTS) --quiet $(QUICK)

# The host without its feature `direct`, so without any `unsafe` in calls: values of every type pass all the same. It is only
# to be right, so it is not optimised; what it depends on is built already.
WITHOUT_DIRECT := target/without-direct/witapi

test-without-direct: plugins fixtures
	cargo build --release -p witapi --no-default-features --config profile.release.package.witapi-host.opt-level=0
	@mkdir -p $(dir $(WITHOUT_DIRECT)) && cp $(WITAPI) $(WITHOUT_DIRECT)
	cargo build --release -p witapi
	WITAPI_BINARY=$(WITHOUT_DIRECT) $(TESTS) values:: round_trip:: outcomes:: bodies:: params::

# Options of the test binary in ARGS, such as `make test-timings ARGS='hot_load --test-threads 1'`.
test-timings: plugins fixtures
	@tools/setup-browser
	@tools/setup-commands
	@tools/setup-judges
	@tools/setup-tutorial
	@tools/test-timings $(ARGS)

# WITAPI_CASES and WITAPI_SEED say how many values are tried and which, WITAPI_FUZZ_SECONDS how long a target is driven.
test-long: plugins fixtures
	@log=target/test-long.log; \
	WITAPI_CASES=$${WITAPI_CASES:-100000} cargo test --release -p witapi-tests -- --nocapture \
		acceptance round_trip formats patterns the_tutorial_prints >$$log 2>&1 || { cat $$log; exit 1; }; \
	WITAPI_CASES=$${WITAPI_CASES:-20000} cargo test --release -p witapi-tests -- --nocapture \
		direct decoding::a_component_with_random >>$$log 2>&1 || { cat $$log; exit 1; }; \
	tools/fuzz >>$$log 2>&1 || { tail -n 60 $$log; exit 1; }; \
	grep '^total: ' $$log

# WITAPI_SOAK_SECONDS and WITAPI_SOAK_SEED say how long and which choices; what was seen is in target/soak.txt too.
soak: plugins fixtures
	WITAPI_SOAK_SECONDS=$${WITAPI_SOAK_SECONDS:-1200} cargo test --release -p witapi-tests -- --nocapture hostile::soak

check:
	cargo fmt --all --check
	@for crate in sdk/rust sdk/rust/macros $(wildcard plugins/*-rust) tests/fixtures bench/busy bench/wasi; do \
		cargo fmt --all --check --manifest-path $$crate/Cargo.toml || exit 1; done
	@tools/setup-check
	target/tools/typos/bin/typos
	target/tools/cargo/bin/cargo-deny --log-level error check licenses bans sources
	cargo clippy --release --workspace --all-targets -- -D warnings

# Links, anchors and commands of the pages are tests: `documentation::`.
docs:
	@tools/setup-docs
	target/tools/cargo/bin/mdbook build docs

dist: build
	@tools/dist

build:
	cargo build --release -p witapi

# The host first: it builds plugins, and installs what of their toolchains is missing.
plugins: build
	@for example in $(EXAMPLES); do \
		name=$$(basename $${example%-*}); $(BUILD) $$example -o target/plugins/$$name.wasm || exit 1; done

fixtures: build
	@for folder in $(FIXTURES); do \
		name=$$(basename $$folder); lang=; [ ! -f $$folder/Cargo.toml ] || lang="--lang rust"; \
		$(BUILD) $$folder $$lang -o target/fixtures/$$name.wasm || exit 1; done
	@$(BUILD) tests/fixtures/echo --lang js --world javascript -o target/fixtures/echo-js.wasm

# Options of bench/run in ARGS, such as `make bench ARGS='--only axum'`.
bench: build
	@tools/setup-bench
	@$(BUILD) plugins/orders-rust -o target/plugins/orders.wasm
	@$(BUILD) bench/busy -o target/bench/busy.wasm
	@for name in versioned waiter; do \
		$(BUILD) tests/fixtures/$$name --lang rust -o target/fixtures/$$name.wasm || exit 1; done
	CARGO_TARGET_DIR=target/guests cargo build --release --target wasm32-wasip2 --manifest-path bench/wasi/Cargo.toml
	cargo build --release -p bench-native -p bench-rate
	bench/run $(ARGS)

# Options of bench/languages in ARGS, such as `make bench-languages ARGS='rust go --write'`, or `--spidermonkey`.
bench-languages: build
	bench/languages $(ARGS)
