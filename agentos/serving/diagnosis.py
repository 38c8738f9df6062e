"""What `manage.py doctor` looks at: each check returns what it found and how to mend it, and changes nothing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.db import DatabaseError

from agentos.backup import facts, snapshot, work
from agentos.backup.errors import BackupError
from agentos.core.errors import AgentOSError, ConfigError
from agentos.core.types import JsonObject
from agentos.serving import diagnosis_database, ground
from agentos.serving.children import ROOT
from agentos.serving.ready import answer
from agents.llm.probe import ProbeReport, probe
from agents.wiring import OPENAI_URL

State = Literal["ok", "note", "problem"]
LEAST_FREE_BYTES = 1_000_000_000
SHORTEST_SECRET = 50
_PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)\s*(;)?")


@dataclass(frozen=True)
class Finding:
    """One line of the report. A `note` is worth knowing and nothing to mend."""

    check: str
    state: State
    found: str
    fix: str = ""

    def as_json(self) -> JsonObject:
        return asdict(self)


def findings(only: str = "") -> Iterator[Finding]:
    """Run the checks in the order in which a start would meet them; one of them, if named."""
    for name, check in CHECKS.items():
        if only in ("", name):
            try:
                yield from check()
            except AgentOSError as error:
                found, _, fix = error.detail.removeprefix(f"{name}: ").partition(": ")
                yield Finding(name, "problem", found, fix)


def _python() -> Iterator[Finding]:
    ground.check_python()
    yield Finding("python", "ok", ".".join(map(str, sys.version_info[:3])))


def _dependencies() -> Iterator[Finding]:
    """Compare what is installed with the lock file; lines for other platforms may be missing."""
    wrong = []
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if (pinned := _PINNED.match(line)) is None:
            continue
        name, version, conditional = pinned.groups()
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if installed != version and not conditional:
            wrong.append(f"{name} is {installed}, not {version}")
    if wrong:
        fix = "make clean, then make run: that installs what requirements.txt says."
        yield Finding("dependencies", "problem", "; ".join(wrong), fix)
    else:
        yield Finding("dependencies", "ok", "as in requirements.txt")


def _folder() -> Iterator[Finding]:
    folder = settings.VAR_DIR
    if not os.access(folder, os.W_OK):
        yield Finding("folder", "problem", f"{folder} can't be written", f"Run: chown $(whoami) {folder}")
        return
    free = shutil.disk_usage(folder).free
    space = f"{free / 1e9:.1f} GB free in {folder}"
    if free < LEAST_FREE_BYTES:
        yield Finding("folder", "problem", space, "Make room, or set AGENTOS_VAR to a folder on a larger disk.")
    else:
        yield Finding("folder", "ok", space)


def _secret() -> Iterator[Finding]:
    if settings.PRODUCTION and len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield Finding("secret", "problem", "SECRET_KEY is short", "Set it to 50 random characters or more.")
        return
    path: Path = settings.VAR_DIR / "secret_key"
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("secret", "problem", f"others may read {path}", f"Run: chmod 600 {path}")
        return
    yield Finding("secret", "ok", "SECRET_KEY is private")


def _database() -> Iterator[Finding]:
    for state, found, fix in diagnosis_database.examine(settings.VAR_DIR, settings.SECRET_KEY):
        yield Finding("database", state, found, fix)


def _port() -> Iterator[Finding]:
    where = f"{settings.HOST}:{settings.PORT}"
    try:
        ground.bind(settings.HOST, settings.PORT, patience_seconds=0).close()
    except ConfigError as error:
        status, _ = answer(f"http://{where}/api/health")
        if status != 200:
            raise ConfigError(error.detail.replace(" in use: stop", " in use by another program: stop")) from None
        yield Finding("port", "ok", f"{where} is ours: the server answers")
    else:
        yield Finding("port", "ok", f"{where} is free")


def _model() -> Iterator[Finding]:
    """Ask the configured model server what it can do; the sandbox model comes and goes with `serve`."""
    url, key = settings.OPENAI_BASE_URL or settings.SANDBOX_URL, settings.OPENAI_API_KEY
    if not url and not key:
        if settings.PRODUCTION:
            raise ConfigError("model: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set: set one for production.")
        fix = "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, to use a real one."
        yield Finding("model", "note", "no model is configured: `serve` brings the sandbox model", fix)
        return
    report = asyncio.run(probe(url or OPENAI_URL, key, settings.MODEL_NAMES))
    for problem in report.problems:
        yield Finding("model", "problem", problem, "Mend OPENAI_BASE_URL, OPENAI_API_KEY or AGENTOS_MODEL_...")
    if not report.problems:
        yield from _capabilities(report)


def _capabilities(report: ProbeReport) -> Iterator[Finding]:
    listed = "models not listed" if report.models is None else f"{len(report.models)} models"
    yield Finding("model", "ok", f"{report.origin}, {listed}, {settings.MODEL_NAMES['strong']} for hard work")
    for name, capability in report.capabilities.items():
        state: State = "ok" if capability.works else "note"
        fix = "" if capability.works else "Choose another model if your agents need it."
        if name == "moderations" and not capability.works:
            state, fix = _without_moderation()
        yield Finding("model", state, f"{name.replace('_', ' ')}: {capability.reason}", fix)


def _without_moderation() -> tuple[State, str]:
    if settings.MODERATION == "required":
        return "problem", "Name a model in AGENTOS_MODEL_MODERATION, or decide: AGENTOS_MODERATION=off."
    return "note", "The moderation guard is OFF. Name a model in AGENTOS_MODEL_MODERATION to have it."


def _backups() -> Iterator[Finding]:
    """Look at key, role and age; a database that is at rest can't be asked for the last two."""
    if not settings.BACKUPS:
        yield Finding("backups", "note", "AGENTOS_BACKUPS is off", "See to it that something else takes them.")
        return
    yield Finding("backups", "ok", f"key {work.keyring().current}, into {work.folder()}")
    try:
        with snapshot.connect(work.admin_url()) as connection:
            snapshot.check_sees_all(connection)
        known, unlisted = facts.facts(), facts.unlisted()
    except (BackupError, DatabaseError) as error:
        is_role = isinstance(error, BackupError) and error.code == "backup_role"
        yield Finding("backups", "problem" if is_role else "note", str(error).splitlines()[0])
        return
    for what, age in (("backup", known.backup_age_seconds), ("proved restore", known.restore_age_seconds)):
        told = "none yet" if age is None else f"{age / 3600:.0f} hours old"
        yield Finding("backups", "note" if age is None else "ok", f"last {what}: {told}")
    if unlisted:
        yield Finding(
            "backups", "problem", unlisted, "Run: manage.py backup, which writes the list anew or says why not."
        )


def _browser() -> Iterator[Finding]:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which(os.environ.get("CHROMEDRIVER", "chromedriver"))
    if browser and driver:
        yield Finding("browser", "ok", f"{browser} with {driver}")
    else:
        fix = "For the browser tests only. Debian: apt-get install chromium chromium-driver"
        yield Finding("browser", "note", "no Chromium with its driver", fix)


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "python": _python,
    "dependencies": _dependencies,
    "folder": _folder,
    "secret": _secret,
    "port": _port,
    "database": _database,
    "model": _model,
    "backups": _backups,
    "browser": _browser,
}
