# Two commands matter: `make book` and `make test`. Both do their own set-up.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SITE   := _build/html/index.html

.DEFAULT_GOAL := help
.PHONY: help book test lab chapters format check clean

help:  ## list the commands
	@echo "make COMMAND, where COMMAND is"
	@sed -n 's/^\([a-z]*\):.*## /  \1|/p' Makefile | awk -F'|' '{printf "%-12s%s\n", $$1, $$2}'

$(READY): requirements.txt requirements-jax.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "This course is pinned to Python 3.11: install it, or name it with 'make PYTHON=/path/to/python3.11 ...'."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target $(VENV)/jax --requirement requirements-jax.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

# A clean tree every time: a second run over old results would hide its warnings.
book: $(READY)  ## build the site and say where it is
	@rm -rf _build
	$(BIN)/jupyter-book build . --all --quiet -W -n --keep-going
	@test -f $(SITE) && echo "The book is ready: $(CURDIR)/$(SITE)"

test: $(READY)  ## run every test: the library, every chapter, the rendered site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. chapters

chapters: $(READY)  ## run all chapters and store their outputs (CHAPTER=01 for one)
	$(BIN)/python tools/execute.py $(CHAPTER)

format: $(READY)  ## format code and notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(READY)  ## print what a bug report should tell
	@$(BIN)/python -m vaelib check

clean:  ## remove what was built (not the environment)
	rm -rf _build test-report .pytest_cache .ruff_cache
