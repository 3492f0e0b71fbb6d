# Two commands do everything: `make lab` opens the kit, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=

.PHONY: help environment lab test site slides bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /: /'

environment: ## make or renew .venv from the lock file (the other targets do it by themselves)
	@$(PYTHON) tools/bootstrap.py $(VENV)

lab: environment ## open JupyterLab on the start notebook, e.g. make lab ARGS="--no-browser --port 8899"
	@exec $(RUN) tools/lab.py $(ARGS)

test: environment ## run every check that this machine can run, e.g. make test ARGS="-k floors"
	@$(RUN) -m pytest -q -n logical --maxprocesses 4 --dist loadgroup --benchmark-disable $(ARGS)

site: environment ## run the notebooks and build a site in _site, to read without kernel and network
	@$(RUN) tools/publish.py _site

slides: environment ## run the notebooks and make slides in _slides, e.g. make slides ARGS="10-migration"
	@$(RUN) tools/slides.py _slides $(ARGS)

bench: environment ## measure speed and weight; ratios come from one run, side by side with a real QEMU
	@$(RUN) -m pytest -q bench $(ARGS)

lock: environment ## renew requirements-lock.txt: the newest versions that work together
	@$(RUN) tools/lock.py $(ARGS)

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks _site _slides build dist
