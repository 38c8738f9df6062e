# The commands of this project. `make run` and `make test` need Python 3.11 to 3.14, make and a package registry.

VENV := .venv
BIN := $(VENV)/bin
# The lock names every package, and what is imported is compiled then: both halve the time.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps --no-compile
# Two workers more than processors, since many tests wait for processes that they started.
WORKERS ?= $(shell echo "$$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 2))")
TESTS ?= tests
# Compiled once, kept for the next: tests alone start a hundred processes, and to compile takes half of such a start.
unexport PYTHONDONTWRITEBYTECODE
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
# What `check --deploy` looks at: production's posture, on a database that is never asked.
PRODUCTION = AGENTOS_ENV=production ALLOWED_HOSTS=agentos.example DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing \
	AGENTOS_BACKUP_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(32))') \
	AGENTOS_AUDIT_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(32))') \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')

.DEFAULT_GOAL := help
.PHONY: help run test check check-types check-style check-imports check-migrations check-posture \
	chaos fuzz bench format doctor clean reset

help:
	@echo "make run      start everything on http://127.0.0.1:8000 (HOST and PORT choose otherwise)"
	@echo "make test     the whole test suite against a real PostgreSQL (TESTS=tests/agents for a part)"
	@echo "make check    style, types, import rules, migrations, production posture"
	@echo "make chaos    kill, stop and restart everything, for long"
	@echo "make fuzz     the property tests with many examples"
	@echo "make bench    how fast it is, as a table and as JSON"
	@echo "make format   put the code into its style"
	@echo "make doctor   what is wrong here, and how to mend it"
	@echo "make clean    remove the virtual environment and caches; data stay"
	@echo "make reset    remove the data of development and tests"

run: $(VENV)/.for-running
	@exec $(BIN)/python manage.py serve

test: $(VENV)/.for-testing
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

# Each part stands alone, so `make --jobs 2 check` does the rest beside the types, which take longest.
check: check-types check-style check-imports check-migrations check-posture

check-types: $(VENV)/.for-testing
	$(BIN)/mypy .

check-style: $(VENV)/.for-testing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-imports: $(VENV)/.for-testing
	$(BIN)/lint-imports

check-migrations: $(VENV)/.for-testing
	PYTHONWARNINGS=ignore::RuntimeWarning $(BIN)/python manage.py makemigrations --check --dry-run

check-posture: $(VENV)/.for-testing
	@echo "manage.py check --deploy, in production's posture"
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

chaos: $(VENV)/.for-testing
	CHAOS_RUNS=100 $(BIN)/python -m pytest tests/chaos

fuzz: $(VENV)/.for-testing
	$(BIN)/python -m pytest --numprocesses $(WORKERS) -m hypothesis --hypothesis-profile fuzz tests

bench: $(VENV)/.for-testing
	$(BIN)/python manage.py bench

format: $(VENV)/.for-testing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

doctor: $(VENV)/.for-running
	@$(BIN)/python manage.py doctor

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

reset:
	@for folder in var/postgres var/test/postgres; do \
		if [ -d $$folder ]; then \
			echo "removing $$folder"; \
			$(BIN)/python -c 'import pathlib, sys; from agentos import postgres; postgres.remove(pathlib.Path(sys.argv[1]))' \
				$$folder || exit 1; \
		fi; \
	done
	rm -rf var

# Stamps: a second `make` installs nothing unless the lock file has changed.
$(VENV)/.for-running: requirements.txt $(BIN)/python
	@if [ ! -e $(VENV)/.for-testing ] || [ requirements.txt -nt $(VENV)/.for-testing ]; then \
		echo "Installing what requirements.txt pins ..."; \
		$(PIP) -r requirements.txt || { echo "pip: the installation failed: see above; a package registry must be reachable."; exit 1; }; \
	fi
	@touch $@

$(VENV)/.for-testing: requirements-dev.txt requirements.txt $(BIN)/python
	@echo "Installing what requirements-dev.txt pins ..."
	@$(PIP) -r requirements-dev.txt || { echo "pip: the installation failed: see above; a package registry must be reachable."; exit 1; }
	@touch $@

$(BIN)/python:
	@python=; \
	for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
		if "$$name" -c '$(SUPPORTED)' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "python: none of 3.11 to 3.14 was found: install one (Debian: apt-get install python3 python3-venv), or make run PYTHON=/path/to/python3."; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version) ..."; \
	if ! $$python -m venv $(VENV); then \
		rm -rf $(VENV); \
		echo "venv: this Python can't make a virtual environment: install its module (Debian: apt-get install python3-venv), then try again."; \
		exit 1; \
	fi
