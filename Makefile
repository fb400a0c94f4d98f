# `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help up demo doctor test check lint faults chaos proof bench docs clean
.NOTPARALLEL:

BIN := .venv/bin
# The tests of the link checker open thousands of connections at once; many systems allow 1024 files.
PYTEST := ulimit -S -n 65536 2>/dev/null || ulimit -S -n $$(ulimit -H -n); $(BIN)/python -m pytest
# More processes than cores, because most of the long tests wait. `make test PROCESSES=1` is plain and in order.
PROCESSES := 2
SIDE_BY_SIDE := -n $(PROCESSES:1=0) --dist loadgroup --no-loadscope-reorder

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One plain command and no shell between: when make is killed, the launcher notices and stops everything.
up: ## Run everything on this machine, in the foreground; Ctrl-C stops it
	@deploy/bootstrap.sh
	@$(BIN)/pranala up --die-with-parent

demo: ## The same, but check the demo site, show its verdicts and stop
	@deploy/bootstrap.sh
	@$(BIN)/pranala up --demo --die-with-parent

doctor: ## Say what would keep it from running here, and what to do
	@deploy/bootstrap.sh
	@$(BIN)/pranala doctor

test: ## Everything that must hold: lint, types, borders and the tests (starts servers of its own)
	@deploy/bootstrap.sh dev
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) $(SIDE_BY_SIDE) -m "not long"

check: ## The quick part of it, under a minute: lint, types, borders and the tests that need no server
	@deploy/bootstrap.sh dev
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) $(SIDE_BY_SIDE) -m "not servers"

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

faults: ## The tests that break a whole product for minutes: every kind of fault, a cluster, restarts, restores, proofs
	@deploy/bootstrap.sh dev
	@$(PYTEST) -m long

chaos: ## Break everything by turns under load; SECONDS=1800 how long, SEED=7 in which order, RATE=110 submissions a second
	@deploy/bootstrap.sh dev
	@$(BIN)/python -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(RATE),--rate $(RATE))

proof: ## Take each protection out of a copy of the code, and see that what is lost or doubled then is noticed
	@deploy/bootstrap.sh dev
	$(BIN)/python -m tests.faults.weakened

bench: ## What we claim about speed, measured here and written to docs/reference/benchmarks.md
	@deploy/bootstrap.sh bench
	@$(BIN)/npm install --silent --no-audit --no-fund --prefix .venv/npm linkinator@8.1.0 || true
	$(BIN)/python -m benchmarks --write

docs: ## Write the generated pages under docs/reference anew
	@deploy/bootstrap.sh dev
	$(BIN)/python -m docs.reference

clean: ## Remove what was installed and cached; the data in .pranala stays
	rm -rf .venv .*_cache .hypothesis .coverage build dist ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
