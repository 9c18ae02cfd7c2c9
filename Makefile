# make report and make test set up everything they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := .venv-peers
REPORT := build/settlement-sv

.PHONY: report test lint lock notebooks published calibration bench peers clean

report: $(STAMP)
	$(BIN)/evaluation run plans/settlement.yaml --out $(REPORT)

# One worker per core; a file, or a notebook, stays with one worker.
SHARED = -n auto --dist loadfile

test: export OMP_NUM_THREADS = 1
test: $(STAMP)
	$(BIN)/python -m pytest $(SHARED)
	$(BIN)/python -m pytest $(SHARED) --nbval --nbval-sanitize-with tests/nbval.cfg -p no:doctest -o addopts= -q notebooks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Resolve all dependencies anew; the lock carries hashes and no address.
lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --upgrade --quiet -o requirements.lock
	$(BIN)/python tools/environment.py

# Run the notebooks and keep their outputs.
notebooks: $(STAMP)
	$(BIN)/python tools/run_notebooks.py

# Refresh the small artefacts of the default report that the repository shows.
published: report
	rm -rf reports/settlement
	mkdir -p reports/settlement
	cp -r $(REPORT)/results.json $(REPORT)/tables $(REPORT)/figures reports/settlement/

# Measure the level and power of the rule over the design grid (twenty minutes on two cores).
calibration: $(STAMP)
	$(BIN)/python tools/calibration.py
	$(BIN)/python tools/miscoding_coverage.py

# Time everything in one run; beside statspai and pyfixest where `make peers` has been run.
bench: $(STAMP)
	$(BIN)/python tools/bench.py

# The peers have an environment of their own, so that none becomes a dependency.
peers: $(PEERS)/.installed

$(PEERS)/.installed: tools/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r tools/peers.txt
	touch $@

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)
