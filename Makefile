# Commands for users and contributors. Each first makes a virtual environment with the pinned dependencies.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_OPTIONS ?=
DEMO_OUTPUT ?= results/demo
# Both variables silence advice on the next major version of MkDocs, which the pins exclude.
MKDOCS = NO_MKDOCS_2_WARNING=true DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs

.PHONY: help install demo test test-thorough test-docs test-slow test-faults bench check check-code check-docs format docs site pins clean

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(INSTALLED)  ## a virtual environment in .venv with everything pinned

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed (TensorFlow has wheels for these). Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED)  ## tune four optimizers on real MNIST digits, about five minutes on two cores
	$(BIN)/lodo-tune --task pixelcnn --preset quick --output $(DEMO_OUTPUT) $(DEMO_OPTIONS)

test: $(INSTALLED)  ## the tests, about seven minutes on two cores
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile

test-thorough: $(INSTALLED)  ## further cases of what make test shows once (tests/thorough.py), about ten minutes
	$(BIN)/python -m pytest -m "thorough and not slow" --numprocesses 3 --dist loadfile

test-docs: $(INSTALLED)  ## the commands of the README and of docs/ as printed
	$(BIN)/python -m pytest -m slow tests/documents --numprocesses 3 --dist loadfile

test-slow: $(INSTALLED)  ## the tests that take longer
	$(BIN)/python -m pytest -m slow -o faulthandler_timeout=3600

test-faults: $(INSTALLED)  ## every test in which something is killed, hangs, is full or lies
	$(BIN)/python -m pytest -m faults -o faulthandler_timeout=3600

bench: $(INSTALLED)  ## the benchmarks in their shortest settings beside this machine's last ratios, at most ten minutes
	$(BIN)/python benchmarks/run_all.py

check: check-code check-docs  ## format, lint, types, import rules, documentation and its links, and the files in docker/

check-code: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check-docs: $(INSTALLED)
	$(BIN)/python tools/in_step.py --check
	$(BIN)/python tools/gallery.py --check
	$(MKDOCS) build --quiet
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml
	$(BIN)/python docker/check_manifests.py

format: $(INSTALLED)  ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## write the parts of the documentation that are made from the code
	$(BIN)/python tools/in_step.py
	$(BIN)/python tools/gallery.py

site: $(INSTALLED)  ## build the documentation into site/
	$(MKDOCS) build --quiet

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
RUNTIME = -c requirements.txt pyproject.toml --extra digits --extra postgres --extra service --no-annotate

pins: $(INSTALLED)  ## write requirements.txt and those of docker/ from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(COMPILE) --no-emit-package lodo-tune requirements.in -o requirements.txt
	$(COMPILE) $(RUNTIME) -o docker/requirements.txt
	$(COMPILE) $(RUNTIME) --extra gpu -o docker/requirements-gpu.txt \
	  $$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' docker/requirements.txt)

clean:  ## remove the virtual environment and the caches
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis
