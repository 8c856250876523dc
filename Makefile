# Two commands matter: `make book` and `make test`. Both do their own set-up.

# Any of 3.11, 3.12 and 3.13 will do. 3.11 comes first, because the stored outputs were made with
# it. A name may be there and not run (a pyenv shim), so each candidate is started.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3 python; do \
            "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
              >/dev/null 2>&1 && { echo "$$name"; break; }; done)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
STEERS := $(VENV)/.steers-a-browser
SITE   := _build/html/index.html
# Two at a time, on two cores or more; tests/conftest.py says what stays together.
PARALLEL := --numprocesses=2 --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help book test browser test-site pdf backends bench test-pythons lab chapters links format check clean

help:  ## list the commands
	@echo "make COMMAND, where COMMAND is"
	@sed -n 's/^\([a-z-]*\):.*## /  \1|/p' Makefile | awk -F'|' '{printf "%-16s%s\n", $$1, $$2}'

$(READY): requirements.txt pyproject.toml
	@python='$(PYTHON)'; \
	"$${python:-false}" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "This course needs Python 3.11, 3.12 or 3.13: install one of them, or name it with 'make PYTHON=/path/to/python3.12 ...'."; exit 1; }; \
	"$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
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
	$(BIN)/python -m pytest $(PARALLEL)
	@$(BIN)/python tools/make_backends.py --missing
	@$(BIN)/python tests/browser.py --missing

$(STEERS): $(READY) requirements-site.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-site.txt
	@touch $(STEERS)

browser: $(STEERS)  ## install what steers a browser, for the tests of the site and the PDF
	@$(BIN)/python tests/browser.py

test-site: $(STEERS)  ## open every page in a real browser, in light and dark, wide and narrow
	@$(BIN)/python tests/browser.py
	$(BIN)/python -m pytest tests/test_browser*.py

pdf: $(STEERS) book  ## print the whole book into one PDF
	@$(BIN)/python tests/browser.py
	$(BIN)/python tools/make_pdf.py

backends: $(READY)  ## install JAX and PyTorch beside it, for the tests on them (ONLY=jax for one)
	$(BIN)/python tools/make_backends.py $(ONLY)

bench: $(READY)  ## judge time and memory, of every chapter and more (ONLY=word for some)
	$(BIN)/python benchmarks/run.py $(ONLY)

test-pythons: $(READY)  ## test the library on each of Python 3.11, 3.12, 3.13 that is installed
	$(BIN)/python tools/pythons.py $(ONLY)

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. chapters

chapters: $(READY)  ## run all chapters and store their outputs (CHAPTER=two-rules for one)
	$(BIN)/python tools/execute.py $(CHAPTER)

links: $(READY)  ## ask every external address whether it is still there (ONLY=word for some)
	$(BIN)/python tools/links.py $(ONLY)

format: $(READY)  ## format code and notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(READY)  ## print what a bug report should tell
	@$(BIN)/python -m vaelib check

clean:  ## remove what was built (not the environment)
	rm -rf _build test-report .pytest_cache .ruff_cache
