# The one place for developers' commands. `make` alone lists them.
PYTHON ?= python3
PY := .venv/bin/python
SHELL := /bin/bash

# What is installed is pinned with hashes. Only wheels: to build one, pip fetches tools that nobody has pinned.
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes
OR_SAY = || { lab/why-not-installed.sh $@; exit 1; }

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: .venv/.done  ## make .venv, with the command sharpnet in it

.venv/bin/pip:
	@lab/install-debian.sh python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed, and {sys.executable} is {sys.version.split()[0]}. Another one: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/.done: requirements.txt requirements-build.txt pyproject.toml | .venv/bin/pip
	$(INSTALL) -r requirements.txt -r requirements-build.txt $(OR_SAY)
	PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.demo: requirements-demo.txt .venv/.done
	$(INSTALL) -r requirements-demo.txt $(OR_SAY)
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.demo
	$(INSTALL) -r requirements-dev.txt $(OR_SAY)
	@touch $@

.PHONY: system
system:  ## install the Debian packages that labs and tests need (their services are not started)
	@lab/install-debian.sh $$(grep -hv '^#' lab/packages.txt lab/packages-mail.txt lab/packages-more.txt)

node_modules/.done: package-lock.json | .venv/.demo
	NODE_DISABLE_COMPILE_CACHE=1 PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --loglevel=error --no-audit --no-fund --no-update-notifier --fetch-retries=1 $(OR_SAY)
	@touch $@

.PHONY: browser
browser:
	@lab/install-debian.sh chromium fonts-noto-color-emoji libatomic1

.PHONY: content
content: .venv/.dev  ## fetch real content for tests: a WordPress, and documentation of tens of thousands of files
	@lab/install-debian.sh php-fpm php-mysql php-xml
	@$(PY) -m lab content

.PHONY: demo
demo: .venv/.demo  ## the lab, a local Slack with its page, and the bot; Ctrl-C ends it all
	@$(MAKE) --no-print-directory node_modules/.done || echo "The demo goes on without."
	@lab/install-debian.sh $$(lab/packages-of-demo.sh)
	@$(PY) -m lab demo

.PHONY: test
test: .venv/.dev system browser content node_modules/.done  ## all tests, against real servers in a network namespace of their own
	$(PY) -m lab isolated -- $(PY) -m pytest -n 4 --dist worksteal -p no:cacheprovider $(ARGS)

.PHONY: pictures
pictures: .venv/.dev system browser node_modules/.done  ## take the pictures in docs/pictures anew, by the browser's test
	SHARPNET_PICTURES=1 $(PY) -m lab isolated -- $(PY) -m pytest -p no:cacheprovider tests/browser

.PHONY: bench
bench: .venv/.dev system node_modules/.done  ## measure it beside its peers, which are installed, and print one table
	@lab/install-debian.sh $$(grep -v '^#' lab/packages-bench.txt)
	$(PY) -m lab isolated -- $(PY) -m bench $(ARGS)

.PHONY: check
check: .venv/.dev  ## lint, types, import contracts, coverage of core, the lock files, known vulnerabilities
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m pytest tests/unit -q -n 2 -p no:cacheprovider --cov --cov-report=term

.PHONY: mutants
mutants: .venv/.dev  ## small changes to the code, drawn by a seed: which does no test notice? ARGS="--seed 2 --minutes 30"
	PYTHONPATH=tests nice -n 15 $(PY) -m mutants $(ARGS)

.PHONY: advisories
advisories: .venv/.dev  ## take the advisories that make check knows anew, out of FROM=FOLDER, a clone of pypa/advisory-database
	PYTHONPATH=tests $(PY) -m advisories $(FROM)

.venv/.release: requirements-release.txt .venv/.dev
	$(INSTALL) -r requirements-release.txt $(OR_SAY)
	@touch $@

.PHONY: sbom
sbom: .venv/.release  ## write sbom.json, what a release is made of by its lock, as CycloneDX
	.venv/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json

.PHONY: pythons
pythons: .venv/.done  ## unit tests under each other Python from 3.11 on that is on this machine
	@lab/pythons.sh

.PHONY: fix
fix: .venv/.dev  ## what the linter can mend by itself
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.PHONY: lock
lock: .venv/bin/pip  ## compile the pinned requirements from *.in; ARGS=--upgrade takes newer releases
	$(INSTALL) -r requirements-lock.txt
	for set in requirements{,-build,-demo,-dev,-lock,-release}; do \
	    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header $(ARGS) \
	        -o $$set.txt $$set.in || exit 1; \
	done
