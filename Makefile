# Each target calls one program of scripts/, which says in a sentence what it lacks.
# Variables go to the programs through the environment, so that no shell ever reads them.
PYTHON ?= python3
export PORT BIND DEMO DATABASE_URL CELERY_BROKER_URL ARGS BENCH QUICK

.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots sheet languages lock manage

help: ## list the targets
	@$(PYTHON) -m scripts.help

run: ## set up and start everything, then print its address (PORT=8000)
	@$(PYTHON) -m scripts.run

test: ## run all tests beside throw-away services (ARGS="-k words" for pytest)
	@$(PYTHON) -m scripts.run_tests

check: ## lint, types, import rules, migrations and front-end types
	@$(PYTHON) -m scripts.check

bench: ## run one benchmark: BENCH=name, QUICK=1 for a small one
	@$(PYTHON) -m scripts.bench

screenshots: ## make the pictures of the documentation anew, by walking through the loop and a lead's morning
	@MILPA_SCREENSHOTS=docs/screenshots ARGS="tests/browser/test_loop.py tests/browser/test_lead.py tests/browser/test_dates.py" $(PYTHON) -m scripts.run_tests

sheet: ## make the documentation's sheet of answers anew (set MILPA_DATA)
	@BENCH=sheets ARGS="--out docs/screenshots/answers.png" $(PYTHON) -m scripts.bench

languages: ## gather the messages of the interface into annotator/locale, and compile them
	@$(PYTHON) -m scripts.languages

lock: ## pin the versions that pyproject.toml allows, in requirements.lock
	@$(PYTHON) -m scripts.lock

manage: ## a Django command beside the private services (ARGS="createsuperuser")
	@$(PYTHON) -m scripts.manage
