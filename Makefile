# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
# Thin: every target is one command of tests/tooling. ARGS is handed on to pytest, as in: make test ARGS="-k bulk"

PYTHON ?= python3
ARGS ?=
TOOL = PYTHONPATH=tests $(PYTHON) -B -m tooling

.DEFAULT_GOAL := help
.PHONY: help demo playground test test-long integration bench lint docs faults picture release-check stubs sync venv clean

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## Show the collection at work against the simulator; EMQX_API_VERSION=v4 shows the other generation.
	@$(TOOL) run python tests/demo.py

playground: ## Open a shell with a simulated deployment to try things on; EMQX_API_VERSION=v4 makes it of the other generation.
	@$(TOOL) run python tests/playground.py

test: ## Run every test, ansible-test and the linters included.
	@$(TOOL) test $(ARGS)

test-long: ## Try all faults, kills, fuzz cases and defences that `make test` tries a part of, and write docs/reliability.md.
	@$(TOOL) test-long $(ARGS)

integration: ## Run the integration targets: on the simulator, or on a broker (EMQX_API_URL, EMQX_APP_ID, EMQX_APP_SECRET, EMQX_MQTT).
	@$(TOOL) integration $(ARGS)

bench: ## Measure what tasks cost and write docs/benchmark.json and .svg; takes half an hour. ARGS="--runs 3 --only fleet" measures less and writes nothing.
	@$(TOOL) bench $(ARGS)

lint: ## Run ruff, mypy, bandit, pip-audit, ansible-lint, yamllint, antsibull-changelog, antsibull-docs and reuse.
	@$(TOOL) lint

docs: ## Build the site into .build/docs/html; a warning is a failure.
	@$(TOOL) docs

faults: ## Let every module meet every fault, and write docs/faults.md.
	@$(TOOL) faults

picture: ## Run the demo and draw docs/demo.svg from what the terminal showed.
	@$(TOOL) picture

release-check: ## Check the artefact and every ansible-core, and write docs/compatibility.md; takes an hour. ARGS="2.19-py3.13 importer" checks only these.
	@$(TOOL) release-check $(ARGS)

stubs: ## Write the stub of direct execution beside each module.
	@$(TOOL) stubs

sync: ## Refresh the copy of the collection that tests run in.
	@$(TOOL) sync

venv: ## Make the virtual environments.
	@$(TOOL) venv

clean: ## Remove everything that was built.
	@$(TOOL) clean
