# One word does its own set-up: `make demo` needs Python only, `make test` also Java and Maven (see tools/), `make chaos` Go.
SHELL := /bin/bash
.DEFAULT_GOAL := help
python := .venv/bin/python

# Hundreds of processes of ours start in a test run. They find kernels here that are compiled once for all of them, and
# bytecode, even where the shell says not to write any.
test bench chaos fuzz kernels: export NUMBA_CACHE_DIR := $(CURDIR)/.cache
unexport PYTHONDONTWRITEBYTECODE
# Four processes of tests, as most tests wait: see tests/support/lanes.py. ARGS="-n 0" is one, for a debugger.
# One that dies ends the run, and the test it died in is named: xdist would wait for ever for what it hands out anew.
lanes := -n 4 --dist loadfile --max-worker-restart 0

.PHONY: help demo test lint bench chaos fuzz environment test-parts chaos-parts kernels lock

help: ## what this file can do
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

demo: environment ## the whole product on an embedded broker; make demo ARGS="--seconds 20" ends by itself
	@.venv/bin/stream-rcf demo $(ARGS)

test: ## every test, those on a real Kafka broker included; ARGS go to pytest
	@$(MAKE) --no-print-directory --jobs test-parts kernels lint
	@$(python) -m pytest $(lanes) $(ARGS)

lint: environment ## formatter check, linter, type checker, architecture rules
	@$(python) -m ruff format --check --quiet .
	@$(python) -m ruff check --quiet .
	@$(python) -m mypy --no-error-summary
	@$(python) -m pytest -q tests/architecture

bench: environment test-parts kernels ## the benchmarks, each as a ratio against a peer measured in the same run
	@$(python) -m load_tests $(ARGS)

chaos: environment test-parts chaos-parts kernels ## ten seeds of faults, every output verified; ARGS="--seeds 1 --short" for less
	@$(python) -m load_tests.chaos $(ARGS)

fuzz: environment ## ten million mutated inputs to the decoder and the checkpoint reader
	@$(python) -m load_tests.fuzz $(ARGS)

environment: # .venv as requirements.lock says; at once when nothing changed
	@tools/environment.sh

test-parts: # Java, Maven, the Kafka jars, promtool
	@tools/test_parts.sh

chaos-parts: # toxiproxy and versitygw (needs Go), and a library that makes a clock wrong (needs a C compiler)
	@tools/chaos_parts.sh

kernels: environment # compiled where they are not: about a minute on a fresh clone
	@$(python) -m stream_rcf.core.warmup

lock: ## resolve the dependencies of pyproject.toml anew (needs uv)
	@tools/lock.sh $(ARGS)
