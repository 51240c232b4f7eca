# make run starts the store; make test proves it. make help lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PYTHON ?=
export PYTHON

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/server: requirements.txt
	@python=$$(scripts/find-python) && { [ -d .venv ] || "$$python" -m venv .venv; }
	@echo "Installing the server's packages ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/development: .venv/server requirements/development.txt
	@echo "Installing the tools for tests ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/development.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e clients/python
	@touch $@

.PHONY: run
run: .venv/server ## Start the store: web server, worker and schedule, on SQLite and local disk
	@$(BIN)/python manage.py run $(if $(PORT),--port $(PORT))

.PHONY: run-kv
run-kv: .venv/server ## Serve the strict key-value dialect at /{key}, port 3000, this machine only
	@$(BIN)/python manage.py migrate --verbosity 0
	@OBJECTSTORE_ROOT_DIALECT=kv $(BIN)/python manage.py bootstrap --url http://127.0.0.1:3000
	@OBJECTSTORE_ROOT_DIALECT=kv OBJECTSTORE_KV_ANONYMOUS=true \
		OBJECTSTORE_RATE_LIMITED_DIALECTS= OBJECTSTORE_HOST=127.0.0.1 \
		$(BIN)/python manage.py serve --host 127.0.0.1 --port 3000

.PHONY: test
test: .venv/development ## Prove it all, on SQLite and, where it is installed, PostgreSQL
	@$(BIN)/pytest tests clients/python/tests
	@scripts/with-postgresql $(BIN)/pytest tests/domain tests/rest tests/keyvalue tests/iam tests/lifecycle tests/buckets tests/shares tests/monitoring

.PHONY: compat
compat: .venv/development ## Let the S3 clients of others live a whole life against the store
	@scripts/install-clients
	@$(BIN)/pytest -m compat -rs tests/compat

.PHONY: lint
lint: .venv/development ## Check style, types and the storeys
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@git ls-files '*.html' | xargs -r $(BIN)/djade --check --target-version 5.2
	@$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0
	@$(BIN)/hadolint deploy/Dockerfile
	@$(MAKE) --no-print-directory licences >/dev/null

.PHONY: format
format: .venv/development ## Put the code into shape
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

.PHONY: bench
bench: .venv/development ## Measure against an empty Django view and nginx
	@$(BIN)/python -m bench

.PHONY: bench-console
bench-console: .venv/development ## Measure the console's object browser in a bucket of a million keys
	@$(BIN)/python -m bench.console
	@scripts/with-postgresql $(BIN)/python -m bench.console

.PHONY: docs
docs: .venv/development ## Build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

.PHONY: dist
dist: .venv/development ## Build wheels, npm's archive, bills of materials and licences into dist/
	@$(BIN)/python scripts/dist.py dist

.PHONY: sbom
sbom: .venv/development ## Print the bill of materials (CycloneDX) of the server
	@$(BIN)/python scripts/bill_of_materials.py

.PHONY: licences
licences: .venv/development ## List the licences of what is shipped; fails at one that is not allowed
	@$(BIN)/pip-licenses --packages $$($(BIN)/python scripts/shipped.py all)

.PHONY: requirements
requirements: .venv/development ## Pin the newest versions again
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.12 --no-header --no-annotate requirements/server.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.12 --no-header --no-annotate requirements/development.in -c requirements.txt -o requirements/development.txt

.PHONY: test-kills
test-kills: .venv/development ## Kill the server OBJECTSTORE_KILL_ROUNDS times in mid-write (200)
	@OBJECTSTORE_KILL_ROUNDS=$${OBJECTSTORE_KILL_ROUNDS:-200} $(BIN)/pytest tests/durability/test_kills.py

.PHONY: cluster
cluster: .venv/development ## Prove, kill and measure PostgreSQL, Redis, SeaweedFS, nginx and six processes on this machine
	@$(BIN)/pytest -m cluster -rs tests/cluster
	@$(BIN)/python -m bench.cluster

.PHONY: run-cluster
run-cluster: .venv/development ## Start that cluster to try it; what is killed is started again
	@$(BIN)/python scripts/cluster.py
