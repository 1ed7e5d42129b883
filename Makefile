# Every target sets up what it needs: Python >= 3.11, make and a compiler are enough.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup demo serve servers test crash quick screenshots check bench audit lock clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## create .venv with everything pinned (costs nothing the second time)

$(STAMP): requirements.lock pyproject.toml hatch_build.py src/seamline/gate/proof.c
	@$(PYTHON) -c 'import sys; sys.exit("Seamline needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) (once) ..."
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV) && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

demo: setup  ## one record, the whole way: integration, token, push, queue, load, table
	@$(BIN)/seamline demo

serve: setup  ## run the server on 127.0.0.1:8383 with its data in ./seamline-data
	@$(BIN)/seamline serve

servers: setup  ## fetch the servers that only tests need and no wheel brings
	@$(BIN)/python -m tests.servers

test: setup servers check  ## lint, types and every test, the slow ones too
	@$(BIN)/python -m pytest -n auto --dist worksteal

crash: setup servers  ## break it in every way we know: the whole crash suite (see docs/explain/durability.md)
	@SEAMLINE_CRASH=all $(BIN)/python -m pytest tests/crash tests/property/test_queue_model.py -n auto --dist worksteal

quick: setup servers  ## the tests that take seconds
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

screenshots: setup servers  ## take pictures of every page into ./screenshots
	@$(BIN)/python -m tests.browser screenshots

check: setup  ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup  ## measure accepted and visible records/s, freshness and memory; writes BENCHMARKS.md
	@$(BIN)/python -m bench

audit: setup  ## ask a database of weaknesses about every pinned package (OSV=url for one of your own)
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@$(VENV)/audit/bin/pip-audit -r requirements.lock --disable-pip --no-deps --strict $(if $(OSV),-s osv --osv-url $(OSV))

lock: setup  ## renew requirements.lock from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.lock pyproject.toml

clean:  ## remove what setup and the tests made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
