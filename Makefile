# make try   on a machine with Python 3.11+ and nothing else: sets up, enables TLS on a scratch
#            project, and proves it against a real Milvus
# make test  sets up, and runs every test that this machine can run
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: try test test-pythons lint setup clean

try: $(VENV)/.try
	$(BIN)/python examples/try.py

test: $(VENV)/.test
	$(BIN)/python tests/run.py

# The fast tests on every other Python that is at hand, each with an environment of its own.
OTHER_PYTHONS = $(shell $(BIN)/python tests/pythons.py)

test-pythons: $(VENV)/.test
	for python in $(OTHER_PYTHONS); do \
	  name=.venv-$$(basename $$python) && \
	  $$python -m venv $$name && \
	  $$name/bin/pip install --quiet --upgrade pip && \
	  $$name/bin/pip install --quiet --editable . --group dev && \
	  $$name/bin/python -m pytest -q -n auto tests/unit tests/contract || exit 1; \
	done

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "compose-tls needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/.try: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[milvus]'
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[milvus]' --group dev --group judges
	touch $@ $(VENV)/.try

clean:
	rm -rf $(VENV) build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
