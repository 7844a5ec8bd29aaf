# Two commands: `make demo` runs the campaign, `make test` passes the suite. Both install first.
PYTHON ?= python3.11
WORKSPACE ?= runs/demo
SETTINGS ?= examples/demo.toml
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9
TORCH_VERSION := 2.13.0

.PHONY: install demo test test-all test-vllm test-peers test-browser test-faults test-ray mutants lint arms real bench bench-scale clean docs gates

install: $(STAMP)

# torch first and by exact version: anything looser may take a CUDA build of several GB.
$(STAMP): requirements.lock pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile torch==$(TORCH_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: install
	$(BIN)/mgrd init $(WORKSPACE) --settings $(SETTINGS)
	$(BIN)/mgrd ingest embedded --workspace $(WORKSPACE)
	$(BIN)/mgrd run --workspace $(WORKSPACE)

test: install
	$(BIN)/pytest -n 2 --dist worksteal -m "not browser and not faults and not ray"

# A round killed with SIGKILL at twenty points, and continued each time: some ten minutes on two busy cores.
test-faults: install
	$(BIN)/pytest -m faults tests/faults tests/flows/test_deployments.py

# Stages on a real Ray beside the same stages without it; Ray is an extra and is installed here.
test-ray: install
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-ray.lock
	$(BIN)/pytest -m ray tests/executors

# The review pages in headless chromium, through a real round; Debian's chromium is installed when root and missing.
test-browser: install
	command -v chromium >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq -y chromium; }
	MGRD_BROWSER=required $(BIN)/pytest tests/browser

# vLLM has an environment of its own: it and the pipeline need different fastapi and openai versions.
VLLM_VENV := .venv-vllm
VLLM_BIN := $(VLLM_VENV)/bin
VLLM_STAMP := $(VLLM_VENV)/.installed

$(VLLM_STAMP): requirements-vllm.lock Makefile
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(VLLM_BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile torch==$(TORCH_VERSION)
	$(VLLM_BIN)/uv pip install --quiet --python $(VLLM_BIN)/python --no-deps --require-hashes -r requirements-vllm.lock
	touch $(VLLM_STAMP)

# Against real vLLM on the CPU: the judge, chains and scores by a server and without one, a round whose server is killed.
test-vllm: install $(VLLM_STAMP)
	MGRD_VLLM_PYTHON=$(abspath $(VLLM_BIN)/python) $(BIN)/pytest tests/vllm --timeout=1200

# Trainers' own loaders on our exports, each in an environment of its own (about 6 GB in .venv-peers). Builds of
# torchvision and torchaudio for CUDA do not load beside a CPU torch. A peer that cannot be installed leaves its error.
PEERS := huggingface ms-swift llama-factory verl nemo
PEER_STAMPS := $(PEERS:%=.venv-peers/%/.installed)

test-peers: install $(PEER_STAMPS)
	$(BIN)/pytest -m peers -rs tests/peers

.venv-peers/%/.installed: tests/peers/requirements/%.txt
	rm -rf .venv-peers/$* .venv-peers/$*.error && mkdir -p .venv-peers
	( $(PYTHON) -m venv .venv-peers/$* \
	  && .venv-peers/$*/bin/pip install --quiet --disable-pip-version-check --no-compile torch==$(TORCH_VERSION) \
	  && $(BIN)/uv pip install --quiet --python .venv-peers/$*/bin/python torch==$(TORCH_VERSION) -r $< \
	  && $(BIN)/uv pip uninstall --quiet --python .venv-peers/$*/bin/python torchvision torchaudio \
	  && touch $@ ) 2> .venv-peers/$*.error || (tail -n 3 .venv-peers/$*.error; true)

# Every suite, one after the other: some fifty minutes on two cores, and 12 GB of environments the first time.
test-all: test test-browser test-vllm test-peers test-faults test-ray

# One place of a group's modules changed at a time (tests/mutation/), in a temporary checkout of the last commit: what
# no test notices is shown. Hours on a busy machine; interrupted, the same command goes on.
GROUP ?= store
SIZE ?= 100
SEED ?= 0
MUTANTS_VENV := .venv-mutants
MUTANTS_BIN := $(MUTANTS_VENV)/bin
MUTANTS_STAMP := $(MUTANTS_VENV)/.installed

$(MUTANTS_STAMP): requirements-mutants.lock Makefile
	$(PYTHON) -m venv $(MUTANTS_VENV)
	$(MUTANTS_BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(MUTANTS_BIN)/uv pip install --quiet --python $(MUTANTS_BIN)/python --no-deps --require-hashes -r requirements-mutants.lock
	touch $(MUTANTS_STAMP)

mutants: install $(MUTANTS_STAMP)
	nice $(MUTANTS_BIN)/python tests/mutation/mutants.py $(GROUP) --size $(SIZE) --seed $(SEED)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# Three seeds of each arm from the same cold start; about an hour on two cores.
arms: install
	$(BIN)/python benchmarks/arms.py

# The same commands on recorded audio; AUDIO is a folder with a manifest.
AUDIO ?= ../shared/audio
real: install
	$(BIN)/python benchmarks/real.py $(AUDIO)

bench: install
	for name in evidence judge export review sampling training overhead; do $(BIN)/python benchmarks/$$name.py || exit 1; done

# A million chains through the stages; a quarter of an hour and more on two free cores.
bench-scale: install
	$(BIN)/python benchmarks/scale.py

docs: install
	$(BIN)/mgrd config reference > docs/configuration.md
	$(BIN)/python -m mgrd.audio.reference > docs/evidence.md

# After a pattern of the grammar has changed: what it needs is stored, reading it takes seconds.
gates: install
	$(BIN)/python -m mgrd.grounding.gate_table

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(MUTANTS_VENV) .venv-peers runs build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
