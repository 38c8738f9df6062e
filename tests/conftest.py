"""What every test may count on: its own database, the application's role, no network beyond loopback.

`database` is the fixture to ask for: rows are committed, so threads and other connections see them, and are
gone after the test. Plain `django_db` (rolled back) does for code that stays on one connection.
"""

from __future__ import annotations

import gc
import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol, TypeVar

import certifi
import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.db.models import Model
from django.test import TransactionTestCase
from psycopg.pq import TransactionStatus
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from accounts import principals, scopes, seam
from accounts.models import Membership, Role, Tenant, TenantRole, User
from accounts.principals import Principal
from accounts.privacy import ledger
from accounts.services import keys, roles
from agentos.serving import memory
from agents.services.sql import insert_into, row_of
from tests.database import NOWHERE, VAR, Cleaner, TestCluster, point_django_at
from tests.journeys import browser

PASSWORD = "demo"
hypothesis.settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=2_000)
_SLOW = {"journeys", "chaos", "isolation", "backup", "bench"}  # folders whose files take most of a minute
_OWN_SERVERS = {"test_first_start.py", "test_pictures.py"}  # journeys that do without the server of all others
_OPEN_PAGES = {"test_browser.py", "test_keyboard.py", "test_keys.py", "test_notices.py", "test_open_pages.py"}
_ALONE = {"test_machine.py"}  # chaos without processes
_DEATHS = {"test_crash_points.py", "test_two_processes.py", "test_kill.py", "test_summaries.py", "test_transactions.py"}
# What takes ten seconds and more of a busy machine, longest first: what begins late is waited for.
_LONGEST = (
    "agentos/test_bench.py",
    "isolation/test_routes.py",
    "agents/test_who_sees_what.py",
    "backup/test_restore.py",
    "isolation/test_mutations.py",
    "chaos/test_crash_points.py",
    "isolation/test_noninterference.py",
    "journeys/test_pictures.py",
    "chaos/test_storm.py",
    "journeys/test_first_start.py",
    "isolation/test_markers.py",
    "agentos/test_postgres.py",
    "audited/test_reads.py",
    "guardrails/test_holdback.py",
    "privacy/test_erasure.py",
    "isolation/test_two_tenants.py",
    "accounts/test_posture.py",
    "agentos/test_protocol.py",
    "privacy/test_retention.py",
    "accounts/test_service_accounts.py",
    "guardrails/test_reading.py",
    "agents/test_control_api.py",
    "agents/test_admin.py",
    "accounts/test_forged.py",
    "accounts/test_admin.py",
)
LOOPBACK = "127.0.0.1,::1,localhost"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "one")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the scene before any test module is imported."""
    gc.disable()  # until all are: see `memory.importing`
    _trust_one_authority(VAR / f"authority_{WORKER}.pem")
    config.option.allow_hosts, config.option.allow_unix_socket = LOOPBACK, True
    os.environ.update(AGENTOS_ENV="test", AGENTOS_VAR=str(VAR), SECRET_KEY=settings.SECRET_KEY)
    settings.AGENTOS_ENV = "test"
    settings.VAR_DIR = VAR
    settings.AUDIT_FOLDER = str(VAR / "audit" / WORKER)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = settings.SANDBOX_URL = ""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AGENTOS_SANDBOX_URL"):
        os.environ.pop(name, None)
    point_django_at({"app": NOWHERE, "system": NOWHERE, "owner": NOWHERE}, NOWHERE)


def _trust_one_authority(file: Path) -> None:
    """Let clients trust one authority of all: each client reads them anew, in 20 ms, and none has signed loopback."""
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(first + end)
    paths = ssl.get_default_verify_paths()._replace(openssl_cafile=str(file), openssl_capath="")
    os.environ["SSL_CERT_FILE"] = str(file)
    certifi.where = lambda: str(file)  # for those that leave the environment alone, as the next is
    ssl.get_default_verify_paths = lambda: paths


@pytest.hookimpl(trylast=True)  # after the files were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `django_db` tests use all three roles' connections unless they choose; spread the slow files."""
    items[:] = _spread(items)
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and "databases" not in marker.kwargs:
            kwargs = {**marker.kwargs, "databases": "__all__"}
            item.add_marker(pytest.mark.django_db(*marker.args, **kwargs), append=False)


def _spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put the longest first, then a slow file before every two others: late ones would be waited for."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    rest = {path: found for path, found in files.items() if _place(path) == len(_LONGEST)}
    longest = [files[path] for path in sorted((path for path in files if path not in rest), key=_place)]
    slow = [found for path, found in rest.items() if _SLOW & set(path.parts)]
    quick = iter([found for path, found in rest.items() if not _SLOW & set(path.parts)])
    spread = [found for one in slow for found in (one, next(quick, []), next(quick, []))]
    return [item for found in (*longest, *spread, *quick) for item in found]


def _place(path: Path) -> int:
    """Return where a file belongs among the longest; journeys that share a server come before all, others last."""
    if _shared(path) in ("journeys", "pages"):
        return -1
    name = f"{path.parent.name}/{path.name}"
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


def _shared(path: Path) -> str:
    """Name what a file's tests share with others: the server that is restarted, the one with open pages, a nursery."""
    if path.parent.name == "journeys" and path.name not in _OWN_SERVERS:
        return "pages" if path.name in _OPEN_PAGES else "journeys"
    if path.parent.name == "chaos" and path.name not in _ALONE:
        return "deaths" if path.name in _DEATHS else "troubles"
    return ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Give each worker a file at a time, and all files that share processes to one: starts are what costs most."""
    return ByProcesses(config, log) if config.option.dist == "loadfile" else None


class ByProcesses(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _shared(Path(file)) or file


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what was imported out of the collector's sight, as a serving process does, but walk none of it before."""
    gc.freeze()
    gc.set_threshold(*memory.THRESHOLDS)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that something did not run."""
    if browser.binaries() is None:
        terminalreporter.section("!", sep="!", red=True, bold=True)
        terminalreporter.line(browser.MISSING, red=True, bold=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    """The PostgreSQL server of the tests: the embedded one, or DATABASE_URL's."""
    cluster = TestCluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def cleaner(cluster: TestCluster, django_db_blocker: DjangoDbBlocker) -> Iterator[Cleaner]:
    name = cluster.make_database("tests")
    urls = cluster.urls(name)
    with django_db_blocker.unblock():
        point_django_at(urls, cluster.admin_url)
        keys.ensure()
        connections.close_all()
    cleaner = Cleaner(cluster.admin_url, urls["owner"], name)
    yield cleaner
    cleaner.close()
    with django_db_blocker.unblock():
        point_django_at({"app": NOWHERE, "system": NOWHERE, "owner": NOWHERE}, NOWHERE)


@pytest.fixture(scope="session")
def django_db_setup(cleaner: Cleaner, django_test_environment: None) -> Iterator[None]:
    """Stand in for pytest-django's own set-up, which needs to be a superuser; so does Django's flush."""

    def clean_as_owner(case: TransactionTestCase) -> None:
        cleaner.clean()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", clean_as_owner)
        yield


@pytest.fixture(scope="session")
def standing(cleaner: Cleaner, django_db_blocker: DjangoDbBlocker) -> Iterator[seam.Seam]:
    """The seam of tests with a database: its threads, with their connections, stand from one to the next."""
    standing = seam.Seam()
    yield standing
    with django_db_blocker.unblock():
        standing.close()


@pytest.fixture
def database(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    cleaner: Cleaner,
    standing: seam.Seam,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """A database whose rows are committed, and gone after the test."""
    if request.node.get_closest_marker("django_db"):
        pytest.fail("ask for the fixture `database` or mark the test django_db, not both")
    with django_db_blocker.unblock():
        seam.close()  # threads of a test without a database know no server
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(seam, "_seam", standing)
            yield
            _settle(standing)
        principals.cache.forget()
        _settle_connections()
        cleaner.clean()
        ledger.mark_path().unlink(missing_ok=True)  # what was erased went with the rows


def _settle(standing: seam.Seam) -> None:
    """Wait for all jobs of the seams; the threads of this one stand as they began, with the connections they have."""
    seam._outside.close()
    seam._sign_ins.close()
    pool = standing._pool
    while pool is not None and pool._threads:
        in_each_thread(standing, _settle_connections)
        if pool._work_queue.empty():
            break


def in_each_thread(standing: seam.Seam, job: Callable[[], None]) -> None:
    """Do a job in every thread of a seam: each settles what is its own."""
    pool = standing._pool
    if pool is None or not pool._threads:
        return
    together = Barrier(pool._max_workers)

    def settle() -> None:
        together.wait()
        job()

    for settled in [pool.submit(settle) for _ in range(pool._max_workers)]:
        settled.result()


def _settle_connections() -> None:
    """Keep the connections that stand as they were opened for the next test: a new one costs as much as many tests."""
    for connection in connections.all(initialized_only=True):
        opened = connection.connection
        is_idle = opened is not None and opened.info.transaction_status is TransactionStatus.IDLE
        if is_idle and connection.get_autocommit() and not connection.in_atomic_block:
            with suppress(psycopg.OperationalError):  # it died in the test
                opened.execute("RESET ALL")
                continue
        connection.close()


@dataclass(frozen=True)
class TenantWithUsers:
    """A tenant and one user of each role, by the role's name; their password is `demo`."""

    tenant: Tenant
    users: dict[str, User]

    def __getattr__(self, name: str) -> User:
        """Return the user of a role: `acme.member`, `acme.approver`."""
        try:
            return self.users[name]
        except KeyError:
            raise AttributeError(name) from None

    def principal(self, role: str) -> Principal:
        """Return what the log-in of the role's user gives."""
        return principal_for(self.users[role], self.tenant, role)


class MakeTenant(Protocol):
    def __call__(self, slug: str) -> Tenant: ...


class MakeUser(Protocol):
    def __call__(self, tenant: Tenant, role: str = "member", email: str = "", password: str = PASSWORD) -> User: ...


@pytest.fixture
def make_tenant(database: None) -> MakeTenant:
    def make(slug: str) -> Tenant:
        return _as_application(Tenant.objects.using("system").create(slug=slug, name=slug.title()))

    return make


@pytest.fixture
def make_user(database: None) -> MakeUser:
    """Make a member of a tenant; a user who exists under this e-mail address joins it."""

    def make(tenant: Tenant, role: str = "member", email: str = "", password: str = PASSWORD) -> User:
        new = _user(tenant, role, email, password=make_password(password))
        defaults = {"name": new.name, "password": new.password}
        user, _ = User.objects.using("system").get_or_create(email=new.email, defaults=defaults)
        Membership.objects.using("system").create(tenant_id=tenant.id, user_id=user.id, role=role)
        return _as_application(user)

    return make


_Row = TypeVar("_Row", Tenant, User)


def _as_application(row: _Row) -> _Row:
    """Forget who made the row: what a test does with it goes through the application's connection."""
    row._state.adding, row._state.db = False, "default"
    return row


@pytest.fixture
def acme(database: None) -> TenantWithUsers:
    return _with_users("acme")


@pytest.fixture
def globex(database: None) -> TenantWithUsers:
    return _with_users("globex")


def _with_users(slug: str) -> TenantWithUsers:
    """Make what `make_tenant` and `make_user` for each role do, without the ORM: most tests begin with this."""
    tenant, password = Tenant(slug=slug, name=slug.title()), make_password(PASSWORD)
    users = {role: _user(tenant, role, password=password) for role in Role.values}
    members = [Membership(tenant=tenant, user=user, role=role) for role, user in users.items()]
    _store([tenant], roles.built_in(tenant.id), list(users.values()), members)
    return TenantWithUsers(_as_application(tenant), {role: _as_application(user) for role, user in users.items()})


def _store(*tables: Sequence[Model]) -> None:
    """Store the rows of some tables by one statement each, all sent at once."""
    statements, values = list[str](), list[Any]()
    for rows in tables:
        into, _, row = insert_into(type(rows[0])).partition(" VALUES ")
        statements.append(f"{into} VALUES {', '.join([row] * len(rows))}")
        values += [value for one in rows for value in row_of(one)]
    with connections["system"].cursor() as cursor:
        cursor.execute("; ".join(statements), values)


def _user(tenant: Tenant, role: str, email: str = "", *, password: str) -> User:
    """Return a user who is not stored yet, by the hash of her password."""
    return User(email=email or f"{role}@{tenant.slug}.test", name=f"{role.title()} of {tenant.name}", password=password)


@pytest.fixture
def principal_of(database: None) -> Callable[[User, Tenant], Principal]:
    """Make the principal that a member's log-in would give."""

    def make(user: User, tenant: Tenant) -> Principal:
        return principals.of_member(Membership.objects.using("system").get(user_id=user.id, tenant_id=tenant.id))

    return make


def principal_for(user: User, tenant: Tenant, role: str) -> Principal:
    granted = TenantRole(tenant=tenant, name=role, scopes=sorted(scopes.scopes_of(role)))
    return principals.of_member(Membership(user=user, tenant=tenant, granted=granted))
