# The one place for developers' commands. `make` alone lists them.
PY := .venv/bin/python
SHELL := /bin/bash

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: .venv/.done  ## make .venv, with the command sharpnet in it

.venv/.done: requirements.txt requirements-dev.txt pyproject.toml
	@lab/install-debian.sh python3-venv
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: system
system:  ## install the Debian packages that labs and tests need (their services are not started)
	@lab/install-debian.sh $$(grep -hv '^#' lab/packages.txt lab/packages-more.txt)

node_modules/.done: package-lock.json | setup
	NODE_DISABLE_COMPILE_CACHE=1 PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --loglevel=error --no-audit --no-fund
	@touch $@

.PHONY: browser
browser:
	@lab/install-debian.sh chromium fonts-noto-color-emoji libatomic1

.PHONY: content
content: setup  ## fetch real content for tests: a WordPress, and documentation of tens of thousands of files
	@lab/install-debian.sh php-fpm php-mysql php-xml
	@$(PY) -m lab content

.PHONY: demo
demo: setup node_modules/.done  ## the lab, a local Slack with its page, and the bot; Ctrl-C ends it all
	@lab/install-debian.sh
	@$(PY) -m lab demo

.PHONY: test
test: setup system browser content node_modules/.done  ## all tests, against real servers in a network namespace of their own
	$(PY) -m lab isolated -- $(PY) -m pytest -n 4 --dist worksteal -p no:cacheprovider $(ARGS)

.PHONY: pictures
pictures: setup system browser node_modules/.done  ## take the pictures in docs/pictures anew, by the browser's test
	SHARPNET_PICTURES=1 $(PY) -m lab isolated -- $(PY) -m pytest -p no:cacheprovider tests/browser

.PHONY: bench
bench: setup system node_modules/.done  ## measure it beside its peers, which are installed, and print one table
	@lab/install-debian.sh $$(grep -v '^#' lab/packages-bench.txt)
	$(PY) -m lab isolated -- $(PY) -m bench $(ARGS)

.PHONY: check
check: setup  ## lint, types, import contracts, coverage of core, the lock files
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m pytest tests/unit -q -n 2 -p no:cacheprovider --cov --cov-report=term

.PHONY: fix
fix: setup  ## what the linter can mend by itself
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.PHONY: lock
lock: setup  ## compile the pinned requirements from *.in
	.venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.txt requirements.in
	.venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements-dev.txt requirements-dev.in
