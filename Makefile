# Needs Python 3.11 or newer and make; everything else is set up in $(VENV). `make` alone says what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Where no bytecode is written, each process of the tests compiles all of it anew: half of what they take.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help try check test format lint fast fuzz build audit reliability test-lowest test-pythons site recording benchmarks lock setup clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

try: ## shows it: TLS on a scratch project, the proof on a real Milvus, and the undo
	@$(PYTHON) examples/try.py

# The make of macOS cannot keep what they print apart.
SYNC = $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

# The linters take one core, the tests the others; each tells what it found when it has ended.
check: $(VENV)/.test ## before a commit: format, lint, types, contracts and the fast tests, at once
	@$(MAKE) --no-print-directory --jobs=2 --keep-going $(SYNC) lint fast

test: $(VENV)/.test ## every test that this machine can run; names what it skipped, and why
	$(BIN)/python -m tests.run

format: $(VENV)/.test ## puts the code into its form, and mends what ruff can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: $(VENV)/.test ## format, lint, types and contracts, without a test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fast: $(VENV)/.test ## the fast tests: units and contracts
	$(BIN)/python -m pytest -q -n auto

# With atheris in the environment (pip install atheris) the inputs are chosen by coverage.
fuzz: $(VENV)/.test ## reads inputs that are nearly right, SECONDS=60 for each reader
	$(BIN)/python tests/fuzz/run.py --seconds $(or $(SECONDS),60)

build: $(VENV)/.test ## wheel and sdist in build/dist, built twice: the same bytes, and nothing but ours
	$(BIN)/python tests/build.py

# Asks PyPI's list of known vulnerabilities, so it is no part of `make test`.
audit: $(VENV)/.test ## known vulnerabilities of the locked dependencies
	$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes --requirement requirements-dev.txt

reliability: $(VENV)/.test ## measures, and writes docs/reliability.md
	$(BIN)/python benchmarks/reliability.py

# Of the corpus, what reads and writes YAML: where Compose is asked of a stack, the plan is judged.
test-lowest: $(VENV)-lowest/.ready ## the tests of the code with every dependency at its lower bound
	$(VENV)-lowest/bin/python -m pytest -p tests.again -q -n auto tests/unit tests/dishonest/test_verdicts.py \
	  $(addprefix tests/corpus/test_,compose_files.py milvus_files.py map.py) tests/contract/test_imports.py

test-pythons: $(VENV)/.test ## the tests of the code on every other Python at hand
	$(BIN)/python tests/pythons.py

site: $(VENV)/.test ## docs/ as a site, in build/site; a dead link ends it
	$(BIN)/zensical build --strict --clean
	@echo "look at it: $(BIN)/zensical serve"

recording: $(VENV)/.test ## records the picture of the README from a real run, on a Docker engine
	$(BIN)/python -m docs.recording

benchmarks: $(VENV)/.test ## measures what is promised of speed, and writes docs/benchmarks.md; ENGINE=1: the proof, too
	$(BIN)/python -m benchmarks.report $(if $(ENGINE),--engine)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
  --custom-compile-command 'make lock' pyproject.toml --extra milvus

lock: $(VENV)/.test ## locks the development tools and the lowest versions; UPGRADE=1 takes newer ones
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra lite --group dev --group judges --group site --generate-hashes \
	  --output-file requirements-dev.txt
	$(LOCK) --resolution lowest-direct --no-annotate --output-file requirements-lowest.txt

setup: $(VENV)/.test ## the environment for development, in .venv

clean: ## removes environments, caches and build/
	rm -rf $(VENV) $(VENV)-* build .cache .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A venv that could not be finished (Debian without python3-venv) is taken away: it would look ready.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "compose-tls needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/.test: pyproject.toml requirements-dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)-lowest/.ready: pyproject.toml requirements-lowest.txt tests/pythons.py | $(VENV)/.test
	$$($(BIN)/python tests/pythons.py lowest) -m venv --clear --without-pip $(VENV)-lowest
	$(BIN)/pip --python $(VENV)-lowest/bin/python install --quiet --no-compile --constraint requirements-lowest.txt --editable '.[milvus]' --group dev
	touch $@
