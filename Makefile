# Three commands do everything, set-up included, on a fresh Debian or Ubuntu machine, root or not:
#   make bench    the benchmark suite: tables, results.json and pictures in bench-results, within ten minutes after set-up
#   make asv      a smaller one kept for each commit by asv: .asv/html, to be looked at with .venv/bin/asv preview
#   make test     lint, type check and all tests (half an hour on two cores)
# And: make bench-full measures anew all that benchmarks/results and the README show (two to three hours on two idle cores);
# make docs builds the documentation, site/index.html, to be read without a network (a minute or two; warnings are errors).
# BENCH="--cells 1e4 --samples 3", ASV_BENCH="--cells 1e5" and TESTS="-k halo" pass options on.
BENCH ?= --output bench-results
export ASV_BENCH
TESTS ?=
bin := .venv/bin

.PHONY: bench bench-full asv test validation docs docs-gallery setup lint fortran clean
.NOTPARALLEL:

bench: setup fortran
	@$(bin)/dycore bench $(BENCH)

# Everything into a folder of its own; once all is measured that becomes the committed records, pictures and figures of the README.
FULL := bench-results/full
bench-full: setup fortran
	@$(bin)/dycore bench --full --output $(FULL) --report
	@$(bin)/python -m dycore.benchmarks.readme $(FULL)

# For the commit that is checked out. Changes that are not committed are measured too, and said to be of that commit.
asv := $(bin)/asv --config benchmarks/asv.conf.json
asv: setup
	@$(asv) machine --yes >/dev/null
	@$(asv) run --python=same --set-commit-hash "$$(git rev-parse HEAD)"
	@$(asv) publish

# One process per core of a small machine; tests of one file share compiled code, so they stay together.
test: lint fortran
	@./bootstrap.sh for-tests
	@$(bin)/python -m pytest -n 2 --dist loadfile $(TESTS)

# The published cases at full length, hours; benchmarks/validation holds their figures and table.
validation: setup
	@$(bin)/dycore validate --output benchmarks/validation

docs: setup
	@$(bin)/python -m sphinx --fail-on-warning --keep-going -q docs site

# The pictures of the gallery and of the catalogue of cases, which are kept with the source (most of an hour).
docs-gallery: setup
	@$(bin)/python -m docs.pictures

setup:
	@./bootstrap.sh

lint: setup
	@$(bin)/ruff check .
	@$(bin)/mypy

# Built before the tests, so that no two of them build it at once, and before anything is measured. A machine without a
# compiler goes on without.
fortran: setup
	@if command -v "$${FC:-gfortran}" >/dev/null; then PATH="$$PWD/$(bin):$$PATH" $(MAKE) --no-print-directory -s -j 4 -C benchmarks/fortran || true; fi

clean:
	rm -rf .venv build dist site docs/generated ./*.egg-info .pytest_cache .mypy_cache .ruff_cache benchmarks/fortran/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
