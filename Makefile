# `make smoke` and `make test` set up .venv from the lock file first, if need be.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
PIP := python -m pip install --quiet --disable-pip-version-check

.PHONY: all mkl smoke test quick test-processors test-torch same-bits lint lock clean

all: .venv/installed

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/$(PIP) --require-hashes -r requirements.lock
	touch $@

# To be named in LD_PRELOAD on processors of other makers than Intel (README, "AMD's processors").
mkl: .venv/lib/mkl_as_on_intel.so

.venv/lib/mkl_as_on_intel.so: envs/mkl_as_on_intel.c .venv/installed
	$(CC) -shared -fPIC -o $@ $<

smoke: .venv/installed
	$(BIN)/snakemake --cores $(CORES) results/smoke/report/index.html

test: .venv/installed
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder

# Of what was changed since the last commit, and as many others as fit into a minute.
quick: .venv/installed
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile --quick -q

# The numeric tests as other processors and other numbers of threads round; each setting is an argument of env.
NUMERIC := $(addprefix tests/,backbones losses training evaluation papers data)
PROCESSORS ?= ATEN_CPU_CAPABILITY=default ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 \
	LD_PRELOAD=.venv/lib/mkl_as_on_intel.so OMP_NUM_THREADS=1 OMP_NUM_THREADS=2 OMP_NUM_THREADS=4

test-processors: .venv/installed mkl
	for setting in $(PROCESSORS); do \
		env OMP_WAIT_POLICY=passive $$setting \
			$(BIN)/python -m pytest -n $(CORES) --dist loadfile -m "not slow" $(NUMERIC) || exit; \
	done

# All tests but the slow ones with another torch than the lock's, the oldest that the suite works with.
TORCH ?= torch==2.11.0 torchvision==0.26.0

test-torch:
	$(PYTHON) -m venv --clear .venv-torch
	.venv-torch/bin/$(PIP) --require-hashes -r requirements.lock
	.venv-torch/bin/$(PIP) $(TORCH)
	.venv-torch/bin/python -m pytest -n $(CORES) --dist loadfile -m "not slow" --ignore tests/test_environment.py

# REV=<commit>: whether it leaves the same bits; WRITE=1 notes what was shown in results/published/same-bits.yaml.
same-bits: .venv/installed
	@test -n "$(REV)" || { echo "Say with which commit to compare: make same-bits REV=<commit>"; exit 2; }
	BIN=$(CURDIR)/$(BIN) CORES=$(CORES) .ci/same-bits $(REV) $(if $(WRITE),--write)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint envs/Containerfile

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--extra dev --extra cluster pyproject.toml -o requirements.lock

# Not results/lite and results/full, which take hours and days to train.
clean:
	rm -rf .venv .venv-torch .snakemake results/smoke
