# Every target does its own set-up; a fresh clone needs Python 3.11 or newer and make, nothing else.

VENV := .venv
BIN := $(VENV)/bin
GATEWAY_VENV := .cache/gateways
DESKTOP_VENV := .cache/desktop
QT_VENV := .cache/desktop-qt
UV_VERSION := 0.13.9
UV := .cache/uv-$(UV_VERSION)/bin/uv
WITH_ENV := $(BIN)/python scripts/with_env.py
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
COMPILE := $(UV) pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --no-header --quiet $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help demo run test gateway-test import-test chaos bench fuzz words lint lock clean
.PHONY: desktop desktop-qt desktop-test desktop-install desktop-uninstall

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/set-up ## Serve the portal with sample accounts, history and a simulated gateway
	$(WITH_ENV) $(BIN)/portal demo

run: $(VENV)/set-up ## Serve the portal on an empty database
	$(WITH_ENV) $(BIN)/portal serve

test: $(VENV)/set-up-test ## Run every test; those in a browser have a session of their own
	@failed=0; \
	browser=$$($(BIN)/python scripts/ensure_browser.py) || exit 1; \
	export PORTAL_TEST_BROWSER="$$browser"; \
	$(BIN)/pytest --ignore=tests/browser --ignore=tests/proxies --numprocesses=2 --dist=worksteal || failed=1; \
	$(BIN)/pytest tests/browser --numprocesses=3 --dist=worksteal || failed=1; \
	exit $$failed

gateway-test: $(VENV)/set-up-test $(GATEWAY_VENV)/set-up ## Run a real LiteLLM and Ollama's library with the portal
	PORTAL_TEST_LITELLM=$(CURDIR)/$(GATEWAY_VENV)/bin $(BIN)/pytest tests/proxies

desktop: $(DESKTOP_VENV)/set-up ## Build dist/moe-portal, the desktop program in one file
	$(DESKTOP_VENV)/bin/python -m tools.desktop_build

desktop-qt: $(QT_VENV)/set-up ## Build dist/moe-portal-qt, the same with a window of its own, for machines without a browser
	$(QT_VENV)/bin/python -m tools.desktop_build --qt

desktop-test: $(VENV)/set-up-test $(DESKTOP_VENV)/set-up $(QT_VENV)/set-up ## Build both files and use them in a window
	@$(BIN)/python scripts/ensure_desktop.py
	desktop-file-validate packaging/moe-portal.desktop
	appstreamcli validate --no-net packaging/org.moe_portal.moe_portal.metainfo.xml
	$(DESKTOP_VENV)/bin/python -m tools.desktop_build
	$(QT_VENV)/bin/python -m tools.desktop_build --qt
	$(BIN)/python -m tools.desktop_proof $(PROOF)

desktop-install: dist/moe-portal ## Install dist/moe-portal for your user, with an entry in the menu; PREFIX=~/.local
	@scripts/install_desktop.sh install "$(or $(PREFIX),$(HOME)/.local)"

desktop-uninstall: ## Remove what desktop-install has installed; your data stays
	@scripts/install_desktop.sh uninstall "$(or $(PREFIX),$(HOME)/.local)"

import-test: $(VENV)/set-up-test ## Import a MoE Sovereign of ROWS=1000000 requests, killed again and again, and compare the sums
	$(BIN)/python -m tools.import_proof --rows $(or $(ROWS),1000000) --database $(or $(DATABASE),sqlite)

chaos: $(VENV)/set-up-test ## Kill the portal again and again under load, ROUNDS=25 on each database
	$(BIN)/python -m tools.chaos --rounds $(or $(ROUNDS),25) --database $(or $(DATABASE),both) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/set-up-test ## Measure how fast the portal is here, each figure beside its floor; BENCH=--quick tries it
	$(BIN)/python -m tools.bench $(BENCH)

fuzz: $(VENV)/set-up-test ## Do random things to the ledger and compare it with a model; EXAMPLES=n
	FUZZ_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest tests/api/test_ledger_machine.py

words: $(VENV)/set-up-test ## Update the German catalogue from the sentences in the code
	$(BIN)/python scripts/update_words.py

lint: $(VENV)/set-up-test ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy portal tests scripts tools

lock: $(UV) ## Write the lock files again, from pyproject.toml; UPGRADE=1 takes the newest releases
	$(COMPILE) --extra postgres --extra parquet --extra chat --output-file requirements.lock
	$(COMPILE) --extra postgres --extra parquet --extra chat --extra test --constraint requirements.lock \
		--output-file requirements-test.lock
	$(COMPILE) --group freeze --constraint requirements.lock --output-file requirements-desktop.lock
	$(COMPILE) --group freeze --extra desktop --constraint requirements-desktop.lock \
		--output-file requirements-desktop-qt.lock
	$(UV) pip compile --group gateway --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		$(if $(UPGRADE),--upgrade) --output-file requirements-gateway.lock

clean: ## Remove what set-up, tests and tools left behind; data stays
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist test-results
	find portal tests scripts tools -name __pycache__ -prune -exec rm -rf {} +

dist/moe-portal:
	@$(MAKE) --no-print-directory desktop

# The files below are stamps: each says that a step was finished, and is older than what it depends on when it must
# be done again. The lock files carry hashes, so nothing is installed that was not there when they were written.

$(VENV)/made:
	@python=$$(scripts/find_python.sh) || exit 1; \
	echo "Making $(VENV) with $$python …"; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/set-up: $(VENV)/made requirements.lock pyproject.toml
	@$(BIN)/python scripts/install.py "what the portal needs" --no-deps --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/set-up-test: $(VENV)/set-up requirements-test.lock
	@$(BIN)/python scripts/install.py "what the tests need" --no-deps --require-hashes -r requirements-test.lock
	@touch $@

$(GATEWAY_VENV)/set-up: requirements-gateway.lock
	@echo "Making an environment of its own for LiteLLM (0.8 GB) …"
	@python=$$(scripts/find_python.sh) || exit 1; "$$python" -m venv --clear $(GATEWAY_VENV)
	@$(GATEWAY_VENV)/bin/python scripts/install.py LiteLLM --no-deps --require-hashes -r requirements-gateway.lock
	@touch $@

$(DESKTOP_VENV)/set-up: requirements-desktop.lock pyproject.toml
	@echo "Making an environment of its own for the desktop program …"
	@python=$$(scripts/find_python.sh) || exit 1; "$$python" -m venv --clear $(@D)
	@$(@D)/bin/python scripts/install.py "what builds it" --no-deps --require-hashes -r requirements-desktop.lock
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(QT_VENV)/set-up: requirements-desktop-qt.lock pyproject.toml
	@echo "Making an environment of its own for the desktop program with Qt (1 GB) …"
	@python=$$(scripts/find_python.sh) || exit 1; "$$python" -m venv --clear $(@D)
	@$(@D)/bin/python scripts/install.py "what builds it" --no-deps --require-hashes -r requirements-desktop-qt.lock
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(UV):
	@python=$$(scripts/find_python.sh) || exit 1; "$$python" -m venv --clear $(@D)/..
	@$(@D)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
