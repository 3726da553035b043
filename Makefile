# Two commands are enough on a fresh machine: `make demo` and `make test`. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made

.PHONY: venv demo test lint format types contracts browser web-client web-crowd oracles unit cover docs bench evaluate ingest deliver forget calibrate cells soak stress faults peers clean

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: venv
	@echo '$$ splitrun demo'
	@$(BIN)/splitrun demo $(ARGS)

test: lint types contracts unit

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: venv
	$(BIN)/mypy

contracts: venv
	$(BIN)/lint-imports

# pages are opened in a real browser; where there is none and none may be installed those tests are skipped
browser:
	@test -x /usr/bin/chromium \
	|| { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	|| echo "no /usr/bin/chromium, and it cannot be installed here: the tests in a browser will be skipped"

# the JavaScript client of OFREP is asked in that browser; where npm is not there those tests are skipped
web-client: .cache/web-client/node_modules

.cache/web-client/node_modules: examples/web/package.json examples/web/package-lock.json
	@{ mkdir -p .cache/web-client && cp examples/web/package*.json .cache/web-client \
	&& npm ci --prefix .cache/web-client --ignore-scripts --no-audit --no-fund --silent \
	&& touch .cache/web-client/node_modules; } \
	|| { rm -rf .cache/web-client; echo "the JavaScript client cannot be fetched here: the tests that ask it will be skipped"; }

# the JavaScript client and ours are asked what 10,000 units get, and have to agree
web-crowd: venv browser web-client
	SPLITRUN_UNITS=10000 $(BIN)/pytest tests/serve/test_web_client.py -s -p no:cacheprovider $(ARGS)

# tea-tasting, IPython, marimo and a bucket (moto) are asked in environments of their own; where they cannot be installed those
# tests are skipped
oracles: venv
	@$(BIN)/python bench/peers/make.py tea-tasting notebooks bucket >/dev/null \
	|| echo "tea-tasting, notebooks or the bucket cannot be installed here: the tests that ask them will be skipped"

unit: venv browser web-client oracles
	$(BIN)/pytest -n auto

# which lines no test runs; measuring it takes about a quarter of the suite's time more
cover: venv browser web-client oracles
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered

docs: venv
	$(BIN)/python -m tests.requirements
	$(BIN)/python -m tests.front_page
	$(BIN)/python -m tests.govern.lifecycle_page
	$(BIN)/python -m tests.infer.reference

bench: venv
	$(BIN)/python -m bench.measure $(ARGS)

evaluate: venv
	$(BIN)/python -m bench.evaluate $(ARGS)

ingest: venv
	$(BIN)/python -m bench.ingest $(ARGS)

deliver: venv
	$(BIN)/python -m bench.delivery $(ARGS)

# units forgotten in a lake of ten million events: `make forget ARGS="1000000 100"` for a smaller one
forget: venv
	$(BIN)/python -m bench.forget $(ARGS)

calibrate: venv
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m calibrate
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m calibrate.assignment

# an attacker who takes readouts from one another, on 300 drawn worlds: about five minutes
cells: venv
	SPLITRUN_CELLS=full $(BIN)/pytest tests/govern/cells -s -p no:cacheprovider $(ARGS)

# the registry in full size: 1,000 tampers on both databases, 1 M entries, 16 writers, kills, migrations
soak: venv
	SPLITRUN_SOAK=1 $(BIN)/pytest tests/store -s -p no:cacheprovider $(ARGS)

# the client in threads, tasks and forks, with a server that has bad moments: `make stress ARGS="--minutes 3"`
stress: venv
	$(BIN)/python -m tests.sdk.stress.run $(ARGS)

# a server and its state under harm, in full size: kills, cut ways, a traced kernel, 10,000 drawn worlds
faults: venv
	SPLITRUN_FAULTS=full $(BIN)/pytest tests/faults -s -p no:cacheprovider $(ARGS)

peers: venv
	$(BIN)/python bench/peers/make.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
