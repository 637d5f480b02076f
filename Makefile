# Everything runs from here: `make demo`, `make up`, `make test`. Nothing is installed or written outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Each flow run is a process of its own: without bytecode it would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo up test check bench bench-sync bench-events clean

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/ready
	$(BIN)/remediate demo

up: $(VENV)/ready
	$(BIN)/remediate up

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest

bench: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks

bench-sync: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks bench_plan bench_sync bench_sync_check

bench-events: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks bench_events

clean:
	rm -rf $(VENV) .state *.egg-info
