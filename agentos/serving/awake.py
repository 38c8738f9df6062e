"""Wakes the embedded PostgreSQL for a command that is run while nothing serves, and lets it rest again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from agentos import env, postgres


@contextmanager
def awake() -> Iterator[None]:
    """Run the block with the database up.

    Settings that were read while it was down do not know it: then this command runs once more, in a process of its
    own, and this one ends with its exit code.
    """
    folder = settings.VAR_DIR / "postgres"
    if env.text("DATABASE_URL", "") or postgres.status(folder) is not None:
        yield
        return
    postgres.start(folder)
    try:
        code = subprocess.run([sys.executable, *sys.argv], check=False).returncode
    finally:
        postgres.stop(folder)
    sys.exit(code)
