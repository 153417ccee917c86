# Everything happens in .venv; the first run makes it, later runs find it as it is.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
# Which ONNX Runtime: cuda, which works on machines without a GPU too, or cpu.
RUNTIME ?= cuda
BIN := $(VENV)/bin
PROJECTS := pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
PLUGINS := $(foreach plugin,$(wildcard plugins/*),-e $(plugin))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

GPU_PYTHON ?= $(BIN)/python
KIT_PYTHON ?= 3.12
KIT_HAS ?= torch
PIECE_MB ?= 0

.PHONY: demo latency test test-long lint benchmark gpu gpu-kit tables published clean

demo: $(VENV)/.core
	$(BIN)/ganzoo demo

# One thread for each worker: with as many threads as cores in each of them the cores wait for each other (82 s became 15).
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test: $(VENV)/.test
	$(PYTEST)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Those marked slow: minutes each.
test-long: $(VENV)/.test
	$(PYTEST) -m slow

# SMALL=1: on a CPU, in two minutes. ONLY=bench: one part. GPU_PYTHON=python3: an environment that is there.
gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(VENV)/.test)
	$(GPU_PYTHON) benchmarks/gpu $(if $(SMALL),--small) $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again)

# A folder for a machine without internet; holds libraries under NVIDIA's terms, is never published.
gpu-kit: $(VENV)/.test
	$(BIN)/python benchmarks/gpu/kit.py --python $(KIT_PYTHON) --has $(KIT_HAS) --piece-mb $(PIECE_MB)

benchmark: $(VENV)/.benchmark
	cd benchmarks && ../$(BIN)/python -m pytest -s

# The public table: LABEL=mylab PROVIDER=cuda DEVICE=all. A result of another machine is one file to send.
latency: $(VENV)/.core
	$(BIN)/python benchmarks/latency_table.py --label "$(LABEL)" --provider $(or $(PROVIDER),cpu) --device "$(DEVICE)"
	$(BIN)/python benchmarks/tables.py --write

tables: $(VENV)/.core
	$(BIN)/python benchmarks/tables.py --write

# What the core says of the distributions of this repository, from the plugins themselves.
published: $(VENV)/.core
	$(BIN)/python benchmarks/published.py

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"ganzoo needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.core: $(VENV)/.python $(PROJECTS)
	@echo "installing ganzoo into $(VENV) (torch alone is some GB; once)"
	$(PIP) install -c constraints.txt -e '.[train,$(RUNTIME)]' $(PLUGINS)
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(PIP) install -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/.lint: $(VENV)/.test
	$(PIP) install -c constraints.txt -e '.[lint]'
	touch $@

$(VENV)/.benchmark: $(VENV)/.test
	$(PIP) install -c constraints.txt -e '.[benchmark]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
