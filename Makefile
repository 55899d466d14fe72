# Everything a person runs, each target one readable step. `make help` explains them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
SQLITE := sqlite:///:memory:
# Two test workers unless told otherwise; 0 runs in one process.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-slow lint types walls schema check run worker migrate requirements clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "}; {printf "  %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.env: | $(VENV)/.installed
	@$(BIN)/python deploy/make_env.py .env.example .env

setup: $(VENV)/.installed .env ## Install what running needs, make .env with a fresh key, migrate
	@$(MANAGE) migrate --verbosity 0

setup-dev: $(VENV)/.installed-dev .env ## Install what building and testing needs

demo: setup ## Live through recorded real days, then serve the console (DEMO="--days 33")
	$(MANAGE) demo $(DEMO)

test: setup-dev ## The suite on SQLite, and on PostgreSQL when TEST_DATABASE_URL is set
	DATABASE_URL=$(SQLITE) $(BIN)/python -m pytest -q -n $(WORKERS)
ifdef TEST_DATABASE_URL
	DATABASE_URL=$(TEST_DATABASE_URL) $(BIN)/python -m pytest -q -n $(WORKERS)
endif

test-slow: setup-dev ## Only the slow tests
	DATABASE_URL=$(SQLITE) $(BIN)/python -m pytest -q -m slow

lint: setup-dev ## Format and lint check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev ## Type check, strict in domain and services
	$(BIN)/mypy .

walls: setup-dev ## Check who imports whom
	$(BIN)/lint-imports

schema: setup-dev ## Write docs/openapi.yaml anew
	DATABASE_URL=$(SQLITE) $(MANAGE) spectacular --file docs/openapi.yaml --validate --fail-on-warn

check: lint types walls ## Lint, types, walls, migrations and deploy checks
	$(MANAGE) makemigrations --check --dry-run
	ENVIRONMENT=production DEBUG=0 BEHIND_TLS=1 NWS_USER_AGENT="boz-weather-trader (operator@example.org)" \
	  ALLOWED_HOSTS=boz.example.org $(MANAGE) check --deploy --fail-level WARNING

run: setup ## Serve the console on http://127.0.0.1:8000/
	$(BIN)/gunicorn boz.wsgi:application --config deploy/gunicorn.py --bind 127.0.0.1:8000

worker: setup ## Run the scheduled jobs
	$(MANAGE) sync_schedules
	$(MANAGE) qcluster

migrate: setup ## Bring the database up to date

requirements: setup-dev ## Compile requirements*.in anew (PIP_COMPILE=--upgrade for newer versions)
	$(BIN)/pip-compile -q --strip-extras $(PIP_COMPILE) --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header requirements.in -o requirements.txt
	$(BIN)/pip-compile -q --strip-extras $(PIP_COMPILE) --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header requirements-dev.in -o requirements-dev.txt

clean: ## Remove the environment, caches and the demo's database; your data stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache var/demo.sqlite3*
