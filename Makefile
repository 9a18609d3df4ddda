# Every target makes the environment it needs: Python 3.11 and make are enough to start with.
.DEFAULT_GOAL := help
.PHONY: help venv demo test check bench known-benchmark clean

PYTHON ?= $(shell python3.11 -V >/dev/null 2>&1 && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCHMARKS := $(sort $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py)))

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

venv: $(INSTALLED) ## make .venv with the versions that CI runs

# constraints.txt holds for Python 3.11 and 3.12; some of its versions left 3.10 behind.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' || \
	{ echo 'tfrs-mtl needs Python 3.10, 3.11 or 3.12: say which by make PYTHON=...' >&2; exit 2; }
	@echo 'installing into $(VENV); a minute or two the first time' >&2
	@$(PYTHON) -m venv $(VENV)
	@constraints=$$($(BIN)/python -c 'import sys; print("" if sys.version_info < (3, 11) else "-c constraints.txt")'); \
	$(BIN)/python -m pip install -qq --disable-pip-version-check $$constraints -e '.[dev,demo,bench,ann]'
	@touch $@

demo: $(INSTALLED) ## the whole way on the sample shop, from raw data to recommendations
	@$(BIN)/python examples/demo.py

test: $(INSTALLED) ## run the tests; make test ARGS='-k bundle' runs some of them
	@$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED) ## lint, format, types, and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports --no-logo

bench: known-benchmark $(INSTALLED) ## make bench NAME=x runs benchmarks/x.py
	@$(BIN)/python benchmarks/$(NAME).py

known-benchmark:
	@test -n '$(filter $(NAME),$(BENCHMARKS))' || \
	{ echo "make bench NAME=x: no benchmark '$(NAME)'; there are: $(or $(BENCHMARKS),none yet)" >&2; exit 2; }

clean: ## remove whatever make and the demo have made
	@rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@rm -rf feature_repo/data feature_repo/artefacts
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
