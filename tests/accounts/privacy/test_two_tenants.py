"""Whoever is a member of two tenants: neither is told what she does in the other, and neither takes it from her."""

from __future__ import annotations

import io
import json
import zipfile
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone

from accounts import principals
from accounts.models import ExternalIdentity, RecoveryCode, TotpDevice, User
from accounts.privacy import jobs, rows
from accounts.privacy.erasure import Tally, erase
from accounts.privacy.models import ExportPart, PrivacyJob
from accounts.privacy.rows import Person
from accounts.services import sessions, support, tokens
from accounts.tenancy import TENANT_KEY
from agentos.core.errors import Conflict, NotAuthenticated, NotFound
from tests.accounts.privacy.conftest import MARKER
from tests.accounts.privacy.planting import Planter

ELSEWHERE = "Zenobia-2342"
OF_NO_TENANT = {"accounts_externalidentity.jsonl", "accounts_recoverycode.jsonl", "accounts_totpdevice.jsonl"}


@pytest.fixture
def elsewhere(her, colleague, globex, make_user, folder) -> Planter:
    """The same person in globex; she has rows in every table of both tenants."""
    make_user(globex.tenant, "member", email=her.user.email)
    User.objects.using("root").filter(id=her.user.id).update(last_login=timezone.now())
    her.plant(colleague)
    elsewhere = Planter(globex.tenant, her.user, ELSEWHERE)
    elsewhere.plant(Planter(globex.tenant, globex.operator, "Theodor-1"))
    return elsewhere


def exported(planter: Planter, *, by: UUID | None) -> tuple[PrivacyJob, dict[str, str]]:
    """Make an archive of what a tenant holds of her; return its job, and the texts of its files by their names."""
    job = jobs.start(Person(planter.tenant.id, planter.user.id), jobs.EXPORT, requested_by=by)
    assert jobs.work(str(job.id)) == {"done": True}
    parts = ExportPart.objects.using("system").filter(job_id=job.id).order_by("number")
    files = zipfile.ZipFile(io.BytesIO(b"".join(map(bytes, parts.values_list("data", flat=True)))))
    return job, {name: files.read(name).decode() for name in files.namelist()}


def test_what_a_tenant_exports_of_her_tells_nothing_of_another(her, elsewhere, acme, globex):
    for planter, admin, own, others in (
        (her, acme.admin, MARKER, ELSEWHERE),
        (elsewhere, globex.admin, ELSEWHERE, MARKER),
    ):
        _, files = exported(planter, by=admin.id)
        user = json.loads(files.pop("accounts_user.jsonl"))
        assert user == {"id": str(her.user.id), "email": her.user.email, "name": her.user.name}
        assert OF_NO_TENANT.isdisjoint(files)
        text = "".join(files.values())
        assert own in text and others not in text


def test_an_archive_of_her_own_has_what_belongs_to_no_tenant_and_is_for_her_alone(her, elsewhere, acme):
    job, files = exported(her, by=her.user.id)
    assert set(files) >= OF_NO_TENANT and json.loads(files["accounts_user.jsonl"])["last_login"]
    assert ELSEWHERE not in "".join(files.values())
    assert jobs.archive(acme.principal("admin"), exported(her, by=acme.admin.id)[0].id)
    with pytest.raises(NotFound):
        jobs.archive(acme.principal("admin"), job.id)


def test_whom_no_other_tenant_knows_is_exported_whole(her, colleague, acme, folder):
    her.plant(colleague)
    _, files = exported(her, by=acme.admin.id)
    assert set(files) >= OF_NO_TENANT


def test_an_erasure_leaves_what_another_tenant_needs(her, elsewhere):
    there = Person(elsewhere.tenant.id, her.user.id)
    before, tally = rows.counts(there), Tally()
    _, is_forgotten = erase(Person(her.tenant.id, her.user.id), tally)
    assert not is_forgotten and rows.counts(there) == before
    for model in (TotpDevice, RecoveryCode, ExternalIdentity):
        assert model.objects.using("system").filter(user=her.user).exists() and model._meta.db_table not in tally.done
    assert User.objects.using("system").get(id=her.user.id).email == her.user.email
    _, is_forgotten = erase(there, Tally())
    assert is_forgotten and not TotpDevice.objects.using("system").filter(user=her.user).exists()


def test_who_is_erased_from_one_tenant_stays_signed_in_to_another(her, globex, make_user, folder):
    make_user(globex.tenant, "member", email=her.user.email)
    members = principals.members().filter(user_id=her.user.id)
    here, there = (tokens.start_family(members.get(tenant=tenant)) for tenant in (her.tenant, globex.tenant))
    browsers = {tenant: her.open_browser(**{TENANT_KEY: str(tenant.id)}) for tenant in (her.tenant, globex.tenant)}
    erase(Person(her.tenant.id, her.user.id), Tally())
    with pytest.raises(NotAuthenticated):
        tokens.refresh(here.refresh)
    there = tokens.refresh(there.refresh)
    assert async_to_sync(sessions.current)(browsers[her.tenant]) is None
    seen = async_to_sync(sessions.current)(browsers[globex.tenant])
    assert seen is not None and seen.tenant_id == globex.tenant.id
    assert not BrowserSession.objects.using("system").filter(session_key=browsers[her.tenant]).exists()
    erase(Person(globex.tenant.id, her.user.id), Tally())
    with pytest.raises(NotAuthenticated):
        tokens.refresh(there.refresh)
    assert not BrowserSession.objects.using("system").exists()


def test_no_tenant_takes_an_operator_from_the_platform(her, acme, globex, make_user, folder):
    person = Person(acme.tenant.id, support.appoint(email=her.user.email, is_operator=True).id)
    with pytest.raises(Conflict) as raised:
        jobs.request(acme.principal("admin"), kind=jobs.ERASE, about=her.user.email)
    assert raised.value.code == "is_operator" and rows.counts(person)
    with pytest.raises(Conflict):
        erase(person, Tally())
    make_user(globex.tenant, "member", email=her.user.email)
    _, is_forgotten = erase(person, Tally())
    assert not is_forgotten and support.is_operator(her.user.id)
    support.appoint(email=her.user.email, is_operator=False)
    assert erase(Person(globex.tenant.id, her.user.id), Tally())[1]
