# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
# Thin: every target is one command of tests/tooling. ARGS is handed on to pytest, as in: make test ARGS="-k bulk"

PYTHON ?= python3
ARGS ?=
TOOL = PYTHONPATH=tests $(PYTHON) -B -m tooling

.DEFAULT_GOAL := help
.PHONY: help demo test integration bench lint stubs sync venv clean

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## Show the collection at work against the simulator; EMQX_API_VERSION=v4 shows the other generation.
	@$(TOOL) run python tests/demo.py

test: ## Run every test, ansible-test and the linters included.
	@$(TOOL) test $(ARGS)

integration: ## Run the integration targets: on the simulator, or on a broker (EMQX_API_URL, EMQX_APP_ID, EMQX_APP_SECRET, EMQX_MQTT).
	@$(TOOL) integration $(ARGS)

bench: ## Measure what tasks cost and write docs/benchmark.json and .svg; takes half an hour. ARGS="--runs 3 --only fleet" measures less.
	@$(TOOL) bench $(ARGS)

lint: ## Run ruff, mypy, yamllint, antsibull-changelog and reuse.
	@$(TOOL) lint

stubs: ## Write the stub of direct execution beside each module.
	@$(TOOL) stubs

sync: ## Refresh the copy of the collection that tests run in.
	@$(TOOL) sync

venv: ## Make the virtual environments.
	@$(TOOL) venv

clean: ## Remove everything that was built.
	@$(TOOL) clean
