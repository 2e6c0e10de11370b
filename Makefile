# Everything the project does, on a fresh clone with only Python 3.11+ and make: `make help`.

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3 python python3.12 python3.13; do $$p -c '$(NEW_ENOUGH)' 2>/dev/null && { command -v $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
VENV_313 := .venv-peers-3.13
PEERS_313 := $(VENV_313)/.ready
PYTHON_313 = $(shell for p in python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python; do $$p -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { command -v $$p; break; }; done)
CODE := $(wildcard src tests bench examples scripts)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo postgres cassandra test lint format format-check types imports docs bench bench-short faults faults-short proof check lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY) ## set up .venv from the lock file
	@echo "venv: ready, $$($(BIN)/python --version) in $(VENV)"

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "headwater needs Python 3.11 or newer, and none is on PATH: install it, or say 'make venv PYTHON=/path/to/python3.11'"; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "headwater needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" --version 2>&1): say 'make venv PYTHON=/path/to/python3.11'"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments: install its venv package (on Debian: python3-venv)"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@rm -f $(PEERS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The peers the benchmarks run beside: same environment, same versions of what they share with us.
$(PEERS): $(READY) requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

# One peer needs Python 3.13: an environment of its own where there is one, else its row says that it was not run.
$(PEERS_313): requirements-bench-3.13.lock
	@rm -rf $(VENV_313)
	@if [ -n "$(PYTHON_313)" ]; then \
		"$(PYTHON_313)" -m venv $(VENV_313) && \
		$(VENV_313)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@; \
	else echo "bench: no Python 3.13 on PATH or among pyenv's versions: eventsource-py is not measured"; fi

demo: $(READY) ## run the retail job end to end
	@$(BIN)/headwater demo retail

postgres: $(READY) ## start a PostgreSQL server for trials here, and print its URL
	@$(BIN)/headwater engines up postgres

cassandra: $(READY) ## the same with Cassandra
	@$(BIN)/headwater engines up cassandra

test: $(READY) ## run every test
	@$(BIN)/python -m pytest

lint: $(READY) ## ruff's rules
	@$(BIN)/ruff check $(CODE)
	@echo "lint: passed"

format: $(READY) ## rewrite the code as ruff formats it
	@$(BIN)/ruff check --quiet --fix --exit-zero $(CODE)
	@$(BIN)/ruff format $(CODE)
	@echo "format: done"

format-check: $(READY) ## fail if `make format` would change a file
	@$(BIN)/ruff format --check $(CODE)
	@echo "format-check: passed"

types: $(READY) ## mypy strict and pyright strict
	@$(BIN)/mypy $(CODE)
	@$(BIN)/pyright
	@echo "types: passed"

imports: $(READY) ## the direction of imports, by import-linter
	@$(BIN)/lint-imports --no-cache
	@echo "imports: passed"

docs: $(READY) ## run the programs in README and docs
	@$(BIN)/python -m pytest tests/docs

bench: $(PEERS) $(PEERS_313) ## measure beside raw drivers and peers: bench/out/latest.json
	@PYTHONPATH=. $(BIN)/python -m bench
	@echo "bench: done"

bench-short: $(PEERS) $(PEERS_313) ## every path of bench, small
	@PYTHONPATH=. $(BIN)/python -m bench --short
	@echo "bench-short: done"

faults: $(READY) ## kill, cut and cancel for long: bench/out/faults.json
	@PYTHONPATH=. $(BIN)/python -m tests.faults
	@echo "faults: passed"

faults-short: $(READY) ## a tenth of faults
	@PYTHONPATH=. $(BIN)/python -m tests.faults --short
	@echo "faults-short: passed"

proof: $(READY) ## long: the state machine 2,000 times, and every line of the files in $HEADWATER_DATA
	@HEADWATER_EXAMPLES=2000 $(BIN)/python -m pytest tests/engines/test_sqlite.py -k LikeMemory
	@if [ -n "$$HEADWATER_DATA" ]; then $(BIN)/python -m pytest tests/scenarios/retail_full.py tests/scenarios/incidents_full.py; \
	else echo "proof: HEADWATER_DATA is not set, so the jobs on the real files were not run"; fi
	@echo "proof: passed"

check: lint format-check types imports faults-short bench-short test ## everything that must hold before a change lands
	@echo "check: passed"

lock: $(READY) $(PEERS_313) ## write requirements*.lock anew (UPGRADE=-U to take newer versions)
	@$(BIN)/python scripts/lock.py $(UPGRADE)
	@echo "lock: written"

clean: ## remove what the other targets made
	rm -rf .venv .venv-3.* .venv-peers-3.13 .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache bench/out build dist
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: done"
