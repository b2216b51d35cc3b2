# A newcomer needs two commands: `make demo` and `make test`.
# Both make .venv from constraints.txt when it is missing or older than the files that describe it.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUNTIME := $(VENV)/.assay-runtime
TOOLS := $(VENV)/.assay-tools
CODE := src tests tools $(wildcard benchmarks faultbench)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test browser docs format clean

help:
	@echo "make demo    find and cure a planted fault in a real training run"
	@echo "make test    every check that CI makes"
	@echo "make browser installs the browser that the page is tested in, if it may"
	@echo "make docs    regenerate the reference pages and build the site"
	@echo "make format  format the code and apply safe lint fixes"
	@echo "make clean   remove caches and build outputs, keep $(VENV)"

# torch first and alone: no later resolver run may choose another one.
# numpy: without it torch warns at its first tensor.
$(RUNTIME): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "assay needs Python 3.10 or later, '$(PYTHON)' is not: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  { echo "making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "installing torch and assay into $(VENV) (minutes, the first time)"
	@$(PIP) torch==2.13.0
	@$(PIP) numpy --editable .
	@touch $@

$(TOOLS): $(RUNTIME)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) --editable '.[dev,docs,test]'
	@touch $@

demo: $(RUNTIME)
	@$(BIN)/assay demo

# The page is tested in headless Chromium; where that can't be installed, those tests are skipped.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  command -v google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium" && \
	  apt-get update -qq >/dev/null 2>&1 && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium \
	    >/dev/null 2>&1; } || \
	  echo "no Chromium, and no right to install it: the tests of the page in a browser are skipped"

# One thread per test process: $(JOBS) of them share the machine's cores.
test: $(TOOLS) browser
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/python tools/make_docs.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

docs: $(TOOLS)
	$(BIN)/python tools/make_docs.py
	$(BIN)/python tools/make_handbook.py --words
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: $(TOOLS)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean:
	rm -rf site dist build .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
