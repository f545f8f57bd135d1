# Everything a developer or an operator types. `make` alone lists it.
# Arguments go by ARGS: make test ARGS="tests/rest -x"

PYTHON ?= python3
BIN := .venv/bin
COMPILE := uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: docs follow image torture measure hostile help setup dev up test fuzz contract lint format cover lab benchmark lock \
  migrate worker schema

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: ## install into .venv; does nothing when nothing changed
	@$(PYTHON) run.py setup

dev: ## install with the tools for tests and linters
	@$(PYTHON) run.py setup dev

up: ## start everything: database, Redis, gateway, worker (Ctrl-C stops it)
	@$(PYTHON) run.py up $(ARGS)

test: ## run the tests on servers of their own
	@$(PYTHON) run.py test $(ARGS)

fuzz: dev ## send 200 requests to each operation, half of them malformed
	NIS2_FUZZ_EXAMPLES=200 $(BIN)/python -m pytest tests/fuzz $(ARGS)

contract: dev ## lint the OpenAPI document; drive REST and GraphQL by other people's clients (needs npm)
	$(BIN)/python -m tests.contract_tools $(ARGS)
	$(BIN)/python -m tests.graphql_clients $(ARGS)

lint: dev ## style, format, types, imports: what has to pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: dev ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

cover: dev ## run the tests and show what they do not reach
	$(BIN)/python -m pytest --cov --cov-report=term-missing $(ARGS)

docs: dev ## build the documentation into build/docs/site; a dead link ends it
	$(BIN)/python docs/build.py

follow: dev ## run what README and the guides tell a newcomer to type (ports 8000, 8080, 8443)
	$(BIN)/python -m tests.documents

image: dev ## replay the Dockerfile and start what Compose starts, without an engine
	$(BIN)/python -m tests.documents.image

torture: dev ## kill workers, empty Redis, cut the database: nothing may be lost
	$(BIN)/python -m tests.torture $(ARGS)

lab: dev ## recall and precision of the scanner on good and bad servers (needs ports below 1024)
	$(BIN)/python -m tests.lab.measure $(ARGS)

hostile: dev ## scan servers that drip, flood and lie: time, memory and reasons
	$(BIN)/python -m tests.hostile $(ARGS)

measure: dev ## measure the work: ARGS=cancel or ARGS=spread
	$(BIN)/python -m tests.torture.measure $(ARGS)

benchmark: dev ## measure: scans, lists, reports; PEERS=--install-sslyze also beside sslyze
	$(BIN)/python -m tests.benchmarks $(ARGS)
	$(BIN)/python -m tests.benchmarks.scanner $(PEERS)
	$(BIN)/python -m tests.benchmarks.reports $(ARGS)

lock: ## compile requirements/*.txt from pyproject.toml (needs uv)
	$(COMPILE) pyproject.toml -o requirements/main.txt
	$(COMPILE) --group tracing -c requirements/main.txt -o requirements/tracing.txt
	$(COMPILE) --group dev -c requirements/main.txt -o requirements/dev.txt

migrate: setup ## bring the database of NIS2_DATABASE_URL up to date
	@$(BIN)/nis2 migrate $(ARGS)

worker: setup ## run one more worker on NIS2_DATABASE_URL and NIS2_REDIS_URL
	@$(BIN)/nis2 worker $(ARGS)

schema: setup ## print the GraphQL schema into graphql_schema/schema.graphql
	@$(BIN)/nis2 schema > graphql_schema/schema.graphql.new \
	  && mv graphql_schema/schema.graphql.new graphql_schema/schema.graphql \
	  || { rm -f graphql_schema/schema.graphql.new; exit 1; }
