# make try   on a machine with Python 3.11+ and nothing else: sets up, enables TLS on a scratch
#            project, and proves it against a real Milvus
# make test  sets up, and runs every test that this machine can run
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: try test lint setup clean

try: $(VENV)/.try
	$(BIN)/python examples/try.py

test: $(VENV)/.test
	$(BIN)/python tests/run.py

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
	$(BIN)/pip install --quiet --editable '.[milvus]' --group dev
	touch $@ $(VENV)/.try

clean:
	rm -rf $(VENV) build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
