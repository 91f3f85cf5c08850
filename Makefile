# One word does everything, set-up included; what is up to date is not done again (.make/ holds the stamps).
# Needs Python 3.11–3.13 with venv, make and a network. Options of a verb's command: ARGS="…".

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
PY := $(BIN)/python
NODE := $(BIN)/node
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# The exact packages and bytes; what is there already is not worth a line each.
INSTALL := $(PIP) install --require-hashes --no-warn-script-location
ARGS ?=
say = @printf '== %s\n'

# ---------------------------------------------------------------------------------------------------- verbs

.PHONY: help
help: ## list these verbs
	@echo "live-torrent: live HLS in which the viewers carry the load"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r verb what; do \
		printf '%-16s %s\n' "$$verb" "$$what"; done

.PHONY: demo
demo: .make/run ## set up and show the demo at http://127.0.0.1:8008 (ARGS="--input film.mp4")
	@exec $(BIN)/live-torrent demo $(ARGS)

.PHONY: test
test: setup browser lint types test-js test-py ## set up, check and test everything (ARGS="-k tracker" for pytest)

.PHONY: test-js
test-js: .make/dev bundle ## the JavaScript unit tests only
	$(say) "JavaScript unit tests"
	@$(NODE) --test --test-reporter=dot "tests/{client,sw,simulate}/**/*.test.js"

.PHONY: test-py
test-py: setup browser ## the Python, runtime and browser tests only (ARGS="-k tracker")
	$(say) "Python, runtime and browser tests"
	@$(PY) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: lint
lint: .make/dev ## check style and habits: ruff, eslint
	$(say) "lint"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(NODE) node_modules/eslint/bin/eslint.js .

.PHONY: types
types: .make/dev ## check types: mypy --strict, tsc --checkJs --strict
	$(say) "types"
	@$(BIN)/mypy
	@$(NODE) node_modules/typescript/bin/tsc --project tsconfig.json

.PHONY: format
format: .make/dev ## format the code: ruff, eslint --fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(NODE) node_modules/eslint/bin/eslint.js --fix .

.PHONY: bundle
bundle: .make/build ## bundle the browser files into seeder/web/bundle
	@$(PY) scripts/bundle.py

.PHONY: size
size: bundle ## what the browser files weigh
	@$(PY) -c "import json; [print(f\"{s['bytes']:8} {s['gzip']:8} gzip  {n}\") for n, s in \
		json.load(open('seeder/web/bundle/sizes.json')).items()]"

.PHONY: bench
bench: setup ## measure, as ratios (bench/)
	@for file in $$(grep -l '^if __name__' bench/*.py); do \
		printf '== %s\n' "$$file"; $(PY) -m "$$(echo $${file%.py} | tr / .)" $(ARGS) || exit 1; done

.PHONY: bench-swarm
bench-swarm: setup browser ## beside hls.js and p2p-media-loader, in real browsers (ARGS="--help")
	@$(PY) -m bench.swarm $(ARGS)

.PHONY: simulate
simulate: .make/dev ## 10 to 10,000 simulated viewers of the client's own decisions (ARGS="--help")
	@$(NODE) bench/simulate/main.js $(ARGS)

.PHONY: wheel
wheel: bundle ## build the wheel and the source distribution into dist/
	$(say) "building the wheel and the sdist"
	@$(PY) -m hatchling build -d dist

.PHONY: package
package: .make/dev bundle ## build the npm package into dist/npm (then: npm pack ./dist/npm)
	$(say) "building the npm package"
	@$(NODE) client/package/build.mjs dist/npm

.PHONY: lock
lock: .make/venv ## choose and pin the newest packages that fit: requirements/*.lock, package-lock.json
	@sh scripts/lock.sh

.PHONY: setup
setup: .make/dev .make/run bundle ## everything but the browser, without running it

.PHONY: browser
browser: .make/dev ## see that there is a Chromium for the tests
	@sh scripts/browser.sh

.PHONY: others
others: ## get the programs of others (GStreamer, VLC, nginx …) that some tests skip without (Debian, as root)
	@sh scripts/others.sh

.PHONY: clean
clean: ## remove what was built and cached; the virtual environment stays
	rm -rf dist build seeder/web/bundle .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out
	find seeder tests bench scripts -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## remove the virtual environment and node_modules, too
	rm -rf .venv .make node_modules

# --------------------------------------------------------------------------------------------------- set-up
# Each stamp says that one step was done with the file beside it.

# A virtual environment: the present one if it works (whoever made it), else a new one.
.make/venv: scripts/find-python.sh
	@mkdir -p .make
	@if $(PY) -c 'import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
		echo "== using the virtual environment .venv"; \
	else \
		python=$$(sh scripts/find-python.sh) || exit 1; \
		echo "== making a virtual environment with $$python"; \
		"$$python" -m venv --clear .venv; \
	fi
	@touch $@

# What the program and its build need.
.make/build: .make/venv requirements/build.lock
	$(say) "installing the locked Python packages"
	@$(INSTALL) -r requirements/build.lock
	@touch $@

# The program itself, as an editable install: the code that runs is this folder's.
.make/run: .make/build pyproject.toml hatch_build.py | bundle
	$(say) "installing live-torrent (editable)"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# What checks and tests it.
.make/dev: .make/build requirements/dev.lock package-lock.json
	$(say) "installing the tools of the tests"
	@$(INSTALL) -r requirements/dev.lock
	@$(PY) scripts/bundle.py --dev --modules-only
	@touch $@
