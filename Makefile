# Carrel: make up · make test · make down. Everything else is a help for developers.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
CARREL := $(PYTHON) -m carrel_local
TEST_INSTANCE := carrel-test
LOCK := $(UV) pip compile --quiet --generate-hashes --no-annotate --no-header

# Starts the test cluster, runs pytest with the arguments given (and then with others, if given), and takes the cluster
# away again whatever happened.
define on_a_test_cluster
unset CARREL_CONTEXT; export CARREL_INSTANCE=$(TEST_INSTANCE); \
trap '$(CARREL) down' EXIT; \
$(CARREL) up; \
export CARREL_URL=$$($(CARREL) url) CARREL_TOKEN=$$($(CARREL) token) KUBECONFIG=$$($(CARREL) kubeconfig); \
export CARREL_SIGN_INS=/var/lib/carrel/$(TEST_INSTANCE)/passwords.json; failed=0; \
$(VENV)/bin/pytest $(1) || failed=$$?; \
$(if $(2),$(VENV)/bin/pytest $(2) || failed=$$?;) \
exit $$failed
endef

.PHONY: help up down status url kubeconfig token test bench check unit lock

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: requirements/dev.lock requirements/bootstrap.lock local/bootstrap.sh
	@bash local/bootstrap.sh

up: ## build and start the platform on this machine, or install it into CARREL_CONTEXT
	@python3 local/preflight.py
	@$(MAKE) $(VENV)/.ready
	@$(CARREL) up

down: ## stop the platform and remove it; KEEP=1 keeps people's files
	@if [ -x $(PYTHON) ]; then $(CARREL) down $(if $(KEEP),--keep); else echo "Nothing to stop: this folder has never run 'make up'."; fi

status: $(VENV)/.ready ## what runs, where, and how to sign in
	@$(CARREL) status

url: $(VENV)/.ready ## the hub's address
	@$(CARREL) url

kubeconfig: $(VENV)/.ready ## the path of the kubeconfig
	@$(CARREL) kubeconfig

token: $(VENV)/.ready ## an API token of the demo admin
	@$(CARREL) token

check: $(VENV)/.ready ## format, lint, types, import contracts
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

# Most tests wait for the cluster more than they use a processor, so two run at a time; those marked "alone" can't.
AT_A_TIME := 2

test: ## every test, on a cluster of its own beside yours
	@CARREL_INSTANCE=$(TEST_INSTANCE) python3 local/preflight.py
	@$(MAKE) $(VENV)/.ready
	@$(MAKE) check unit
	@export CARREL_SNAPSHOTS=1; $(call on_a_test_cluster,\
	  -n $(AT_A_TIME) --dist loadgroup -m "not bench and not alone" tests/chart tests/integration tests/e2e,\
	  -m alone tests/integration tests/e2e)

bench: ## the numbers, as ratios measured in one run
	@CARREL_INSTANCE=$(TEST_INSTANCE) python3 local/preflight.py
	@$(MAKE) $(VENV)/.ready
	@$(call on_a_test_cluster,-m bench --capture=no tests/bench)

unit: $(VENV)/.ready ## the tests that need no cluster
	@$(VENV)/bin/pytest -n 2 tests/unit

lock: $(VENV)/.ready ## resolve every dependency again and pin it with hashes
	@for image in operator hub gateway identity; do \
	  $(LOCK) --python-version 3.13 --extra $$image pyproject.toml -o requirements/$$image.lock; done
	@$(LOCK) --python-version 3.13 --extra warehouse --override requirements/warehouse.override pyproject.toml -o requirements/warehouse.lock
	@$(LOCK) --python-version 3.13 requirements/peer.in -o requirements/peer.lock
	@$(LOCK) --python-version 3.13 requirements/nodejs.in -o requirements/nodejs.lock
	@$(LOCK) --python-version 3.13 --override requirements/notebook.override requirements/notebook.in -o requirements/notebook.lock
	@$(LOCK) --universal --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.lock
