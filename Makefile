# Everything that can be done with a clone: `make` lists it. Needs Python 3.11 or newer, and make.

PYTHON ?= python3
CONFIG ?= configs/mnist.yaml
VENV   ?= .venv
# The oldest Python that bpcli takes, and the newest that is here.
PYTHONS ?= python3.11 $(shell for minor in 16 15 14 13 12; do \
  python3.$$minor -c "print('python3.$$minor')" 2> /dev/null && break; done)

# Where `make stick` gathers wheels, for which systems and Pythons, and with which extras.
STICK   ?= stick
SYSTEMS ?= linux windows mac mac-intel
PYTHONS_OF_STICK ?= 3.11 3.12 3.13 3.14
EXTRAS  ?= image,report
linux     := manylinux2014_x86_64 manylinux_2_17_x86_64 manylinux_2_27_x86_64 manylinux_2_28_x86_64
windows   := win_amd64
mac       := macosx_14_0_arm64
mac-intel := macosx_14_0_x86_64
# pip asks the system that it runs on whether it is Windows, which click and tqdm need this for.
needs-windows := colorama

BPCLI := $(VENV)/bin/bpcli
CODE  := $(wildcard bpcli/*.py bpcli/*/*.py)

# Make takes a space for the end of a name, but where a backslash stands before it.
space := $(subst ,, )
# CONFIG=fast is configs/fast.yaml, unless there is a file of that name.
FOUND := $(wildcard $(subst $(space),\ ,$(CONFIG)))
override CONFIG := $(if $(FOUND),$(CONFIG),$(or $(wildcard configs/$(CONFIG).yaml),$(CONFIG)))
# configs/fast.yaml makes fast.npz, other/fast.yaml makes other-fast.npz.
model  = $(subst /,-,$(patsubst configs/%,%,$(patsubst /%,%,$(basename $(subst $(space),-,$(1)))))).npz
MODEL := $(call model,$(CONFIG))
PAGE  := $(MODEL:.npz=.html)
MODELS := $(MODEL) $(foreach config,$(wildcard configs/*.yaml),$(call model,$(config)))

.PHONY: help train eval report gradcheck test coverage test-long test-pythons test-oldest lint bench table screenshot stick clean
.DELETE_ON_ERROR:

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1|/' \
	  | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

train: $(MODEL)  ## train the net of CONFIG, unless its model is newer than CONFIG and the code

eval: $(MODEL)  ## measure the model of CONFIG on the test images, training it first if need be
	$(BPCLI) eval $(MODEL)

report: $(PAGE)  ## make a page on the model of CONFIG, to look at and to draw a digit on

gradcheck: $(VENV)/installed  ## check every gradient of CONFIG's net against a numerical one
	$(BPCLI) gradcheck '$(CONFIG)'

test: $(VENV)/installed-dev  ## run the whole test suite
	$(VENV)/bin/python -m pytest $(or $(TESTS),--numprocesses auto --dist worksteal)

coverage: $(VENV)/installed-dev  ## run the whole test suite with branch coverage, which has to reach 95 %
	$(VENV)/bin/python -m pytest --cov --numprocesses auto --dist worksteal

test-long: $(VENV)/installed-dev  ## run the whole test suite in its long forms (about an hour)
	$(VENV)/bin/python -m pytest --long $(or $(TESTS),--numprocesses auto --dist worksteal)

test-pythons:  ## run the whole test suite on the oldest Python that bpcli takes and the newest here
	for python in $(PYTHONS); do $(MAKE) test PYTHON=$$python VENV=.venv-$${python##*/} || exit; done

test-oldest:  ## run the whole test suite with the oldest packages that pyproject.toml allows
	$(MAKE) test VENV=.venv-oldest PIP_CONSTRAINT=$(CURDIR)/tests/oldest.txt

lint: $(VENV)/installed-dev  ## check style (ruff), types (mypy --strict) and the workflow (its schema)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy --strict
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

bench: $(VENV)/installed-bench  ## time bpcli beside PyTorch, JAX, scikit-learn and the bare products
	$(VENV)/bin/python tests/benchmarks/bench.py $(BENCH)

table: $(VENV)/installed  ## measure what the configurations of configs/table reach (hours)
	$(VENV)/bin/python tests/benchmarks/table.py $(TABLE)

screenshot: $(PAGE) $(VENV)/installed-dev  ## make the README's pictures, one of the page of CONFIG
	$(VENV)/bin/python tests/show/screenshot.py $(PAGE) .github/page.png
	$(BPCLI) graph 'apple * apple_count * tax' apple=100 apple_count=2 tax=1.1 -o .github/apples.svg --animate --theme auto

stick: $(VENV)/installed  ## gather bpcli and what it needs in the folder STICK, to install it offline
	$(foreach system,$(SYSTEMS),$(if $($(system)),,$(error SYSTEMS: found $(system), \
	  expected some of: linux windows mac mac-intel)))
	rm -f '$(STICK)'/bpcli_mnist-*.whl
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir '$(STICK)' .
	wheel=$$(echo '$(STICK)'/bpcli_mnist-*.whl); \
	$(foreach system,$(SYSTEMS),$(foreach version,$(PYTHONS_OF_STICK),$(VENV)/bin/python -m pip \
	  download --quiet --only-binary :all: --python-version $(version) --dest '$(STICK)' \
	  $(addprefix --platform ,$($(system))) "$$wheel[$(EXTRAS)]" $(needs-$(system)) &&)) true

clean:  ## delete the environment, the models of configs/ and of CONFIG, and all caches
	rm -rf $(VENV) .venv-* dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f $(MODELS) $(MODELS:=.part) $(MODELS:.npz=-[0-9]*.npz.part) $(MODELS:.npz=.html) .*.bpcli.tmp .*.bpcli.lock
	find bpcli tests -name __pycache__ -exec rm -r {} +

# A model is as good as the configuration and the code that made it.
$(MODEL): $(subst $(space),\ ,$(CONFIG)) $(CODE) | $(VENV)/installed
	$(BPCLI) train '$(CONFIG)' -o $@

ifeq ($(wildcard $(subst $(space),\ ,$(CONFIG))),)
$(subst $(space),\ ,$(CONFIG)):
	@echo 'CONFIG: found $(CONFIG), which is no file; expected a YAML file, or one of' \
	  '$(notdir $(basename $(wildcard configs/*.yaml)))' >&2; exit 2
endif

$(PAGE): $(MODEL) $(CODE) $(wildcard bpcli/show/page/*) | $(VENV)/installed-report
	$(BPCLI) report $(MODEL) -o $@

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or \
	  sys.exit("$(PYTHON) is Python %d.%d, expected 3.11 or newer: name one with PYTHON=..." \
	  % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-%: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --editable '.[$*]'
	touch $@
