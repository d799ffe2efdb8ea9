# Every target sets up what it needs: a bare clone is enough, and a second call is fast.
#
#   make demo     the main job, on runs that it trains itself (about three minutes of training)
#   make test     every check, then every test
#   make test-processors  what trains, as on two other kinds of x86 processor (minutes)
#   make check    style, types and import contracts
#   make bench    speed side by side with peers, as ratios
#   make docs     write the generated pages: docs/laws.md, docs/laws/ and docs/commands.md
#   make schemas  draw docs/schemas/ from the documents that examples print with --json (a minute)
#   make site     the documentation as pages with search, in site/ (its tool is installed at the first call)
#   make evidence      fit laws to public runs; ISOFLOP_DATA names their folder (minutes)
#   make replications  measure every published number and write docs/replications.md; it too
#                      needs ISOFLOP_DATA
#   make clean    remove the virtual environment and every cache; studies stay
#
# Variables: PYTHON=... an interpreter of your choice; WORKERS=... processes for the tests;
# TORCH=default, said at the first call or after `make clean` and then remembered, takes the build
# of PyTorch that this platform gets by default (CUDA on Linux) in place of the CPU's.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
TORCH ?= $(or $(patsubst $(VENV)/.installed-%,%,$(wildcard $(VENV)/.installed-*)),cpu)
STAMP := $(VENV)/.installed-$(TORCH)
CONSTRAINT := $(if $(filter cpu,$(TORCH)),--constraint constraints/cpu.txt)

.PHONY: demo test test-processors check bench docs schemas site evidence replications browser clean
.DEFAULT_GOAL := test

demo: $(STAMP)
	$(BIN)/isoflop demo

# One thread a process: with more, processes that share cores wait for each other at every barrier.
test test-processors bench evidence replications: export OMP_NUM_THREADS = 1
test test-processors bench evidence replications: export OPENBLAS_NUM_THREADS = 1
test test-processors bench evidence replications: export OMP_WAIT_POLICY = PASSIVE

test: check browser
	$(BIN)/python -m pytest -n $(WORKERS)

# How a processor rounds decides where training goes. Only x86 processors can pose as others.
TRAINING := $(BIN)/python -m pytest -m training -n $(WORKERS) tests/experiments
test-processors: $(STAMP)
	@case "$$(uname -m)" in x86_64|amd64) ;; \
	    *) echo "skipped: $$(uname -m) is no x86 processor, which alone can pose as others"; exit ;; \
	esac; \
	set -ex; \
	ATEN_CPU_CAPABILITY=default $(TRAINING); \
	ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 $(TRAINING)

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks -p no:randomly -s

docs: $(STAMP)
	$(BIN)/python -m isoflop.documentation

schemas: $(STAMP)
	$(BIN)/python -m isoflop.documentation schemas

site: docs
	$(BIN)/python -m pip install --quiet '.[docs]'
	$(BIN)/zensical build --clean --strict

evidence: $(STAMP)
	$(BIN)/python -m isoflop.documentation evidence

replications: $(STAMP)
	$(BIN)/python -m pytest -q -p no:randomly --replications \
	    $$(grep -rl 'replicated("V' tests --include='test_*.py')

# The browser tests need Chromium. Where it cannot be had they skip, by name.
browser:
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; \
	then \
	    echo "Installing Chromium for the browser tests ..."; \
	    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	        apt-get -qq install --no-install-recommends chromium; } >/dev/null 2>&1 || true; \
	fi

# A candidate is run, not only looked up: version managers leave commands that do not start, and
# some systems' Python comes without ensurepip, which a virtual environment needs.
$(STAMP): pyproject.toml constraints/cpu.txt
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	        || continue; \
	    echo "Setting up $(VENV) with $$("$$python" --version), once; this takes a minute or two ..."; \
	    exec "$$python" -m venv $(VENV); \
	done; \
	echo "isoflop needs Python 3.11 or later, with ensurepip (Debian: python3-venv), and found none;" \
	    "name one: make PYTHON=/path/to/python3" >&2; \
	exit 1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINT) \
	    --editable '.[train,dev]'
	@rm -f $(VENV)/.installed-* && touch $@

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
