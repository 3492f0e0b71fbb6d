# Two commands do everything: `make lab` opens the kit, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.ready
ARGS ?=

.PHONY: help lab test bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(STAMP): requirements-lock.txt pyproject.toml tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py $(VENV)
	@touch $(STAMP)

lab: $(STAMP) ## open JupyterLab on the start notebook; ARGS="--no-browser --port 8899" goes to JupyterLab
	@$(RUN) tools/lab.py $(ARGS)

test: $(STAMP) ## run every check that this machine can run
	@$(RUN) tools/check.py $(ARGS)

bench: $(STAMP) ## measure speed against a real QEMU in the same run
	@$(RUN) -m pytest bench -p no:xdist --override-ini testpaths=bench --benchmark-only $(ARGS)

lock: $(STAMP) ## renew requirements-lock.txt: the newest versions that work together
	@$(RUN) tools/lock.py

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .benchmarks build dist
