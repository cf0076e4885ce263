# Everything one does with Laurel. All it needs is make and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv/bin/python
INSTALL := $(VENV) -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps
LOCK := $(VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test demo bench soak check audit lock

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 10

run: .venv/.installed ## Start everything; PORT= and LAUREL_DATA= choose another port and data folder
	@$(VENV) -m embedded run

test: .venv/.installed-dev .venv/.browser ## Run every test
	@$(VENV) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

demo: .venv/.installed ## Show orders, points, tiers and coupons with a sandbox shop; SHOP=shopify takes the Shopify one
	@$(VENV) -m bench.demo

bench: .venv/.installed-dev ## Measure; the figures are also in var/bench.json
	@$(VENV) -m bench

soak: .venv/.installed-dev ## Run the fault suites at their full sizes
	@$(VENV) -m bench.soak
	@LAUREL_SOAK=1 $(VENV) -m pytest -q tests/properties/test_fuzzed_*.py tests/web/test_openapi_contract.py

check: .venv/.installed-dev ## Check style, types, imports, guards and known vulnerabilities
	@$(VENV) -m ruff check
	@$(VENV) -m ruff format --check
	@$(VENV) -m mypy
	@$(VENV) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@$(VENV) -m pytest -q tests/guards
	@$(MAKE) --no-print-directory audit

audit: .venv/.installed-dev ## Check the pinned packages for known vulnerabilities
	@$(VENV) .ci/audit.py requirements.txt requirements-dev.txt

lock: .venv/.installed-dev ## Compile the lock files anew from requirements.in and requirements-dev.in
	@$(LOCK) --upgrade requirements.in -o requirements.txt
	@$(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Laurel needs Python 3.11 or later: PYTHON=…")'
	@$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | .venv/bin/python
	@echo "installing what Laurel runs on" >&2
	@$(INSTALL) -r requirements.txt
	@$(VENV) -m compileall -q .venv/lib || true
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "installing what its checks need" >&2
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

.venv/.browser: tests/browsers.py | .venv/.installed-dev
	@$(VENV) -m tests.browsers
	@touch $@
