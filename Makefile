# `make` alone lists the targets. `make demo` and `make test` do their own set-up, once per state of the lock files.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo run test check check-quick bench prove screenshots fmt snippet lock setup setup-dev clean

PY := .venv/bin/python
# Each process would compile the product and its packages anew; some images ask for that.
export PYTHONDONTWRITEBYTECODE :=
HASH := $(shell cat requirements.txt requirements-dev.txt tools/bootstrap.sh | sha256sum | cut -c1-16)
RUN_STAMP := .venv/.run-$(HASH)
DEV_STAMP := .venv/.dev-$(HASH)
TYPED := calltrack workers tests $(wildcard wsgi.py tools/*.py)
# Three processes of tests (half of their time is waiting), a file stays in one of them, long files come first
# (tests/slow_first.py).
# For one test: make test ARGS="-n0 tests/infra/test_front.py"
ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	  | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: setup ## run the product with the sandbox and a demo company on PORT (8000)
	@exec $(PY) -m calltrack demo

run: setup ## run the product for real companies, all processes of the Procfile
	@exec $(PY) -m calltrack run

test: setup-dev ## all tests: real PostgreSQL, Redis, workers and Chromium
	@CHROMIUM="$$(tools/ensure_chromium.sh)" && export CHROMIUM && exec $(PY) tools/run_tests.py $(ARGS)

check: check-quick ## format, lint, the import ladder, the snippet's size, types
	$(PY) -m mypy $(TYPED)

check-quick: setup-dev ## the same without types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m pytest -p no:cacheprovider tests/test_architecture.py
	$(PY) -m calltrack.snippet.build --check

bench: setup-dev ## measure speed beside a bare reference, write bench/results.json
	@exec $(PY) -m tests.bench

prove: setup-dev ## run the short proofs of docs/proofs.md
	@CHROMIUM="$$(tools/ensure_chromium.sh)" && export CHROMIUM && exec $(PY) tools/prove.py

screenshots: setup-dev ## take the README's pictures of the demo that runs on PORT
	@CHROMIUM="$$(tools/ensure_chromium.sh)" && export CHROMIUM && PYTHONPATH=. exec $(PY) tools/screenshots.py

fmt: setup-dev ## format and fix what a tool can fix
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

snippet: setup-dev ## build the website snippet
	$(PY) -m calltrack.snippet.build

lock: ## pin and hash both lock files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -q \
	  --custom-compile-command "make lock" requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -q \
	  --custom-compile-command "make lock" requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

setup: $(RUN_STAMP)
setup-dev: $(DEV_STAMP)

$(RUN_STAMP):
	@tools/bootstrap.sh requirements.txt && rm -f .venv/.run-* && touch $@

$(DEV_STAMP):
	@tools/bootstrap.sh requirements-dev.txt && rm -f .venv/.dev-* && touch $@ $(RUN_STAMP)
