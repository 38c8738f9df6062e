"""Break-glass: operators of the platform see a tenant by an entry only, which the tenant sees and ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.db import Error, IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts import principals, scopes, selectors
from accounts.models import AuditRow, Membership, SupportEntry, TenantRole, User
from accounts.models.support import NEVER
from accounts.people import FORMER
from accounts.principals import PrincipalCache
from accounts.seam import in_thread
from accounts.services import sessions, support, tokens
from accounts.services.support import May
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import AgentOSError, Conflict, Invalid, NotFound, PolicyDenied
from agents.models import Run
from governance.models import Approval
from tests.conftest import PASSWORD, MakeUser, TenantWithUsers
from tests.isolation.planting import Garden

WHY = "Ticket 77: runs hang"


@pytest.fixture
def operator(globex: TenantWithUsers, make_user: MakeUser) -> User:
    """An operator of the platform; Django would call her a superuser."""
    user = make_user(globex.tenant, "viewer", "root@platform.test")
    return support.appoint(email=user.email, is_operator=True)


@pytest.fixture
def hers(acme: TenantWithUsers) -> Garden:
    garden = Garden(acme.tenant, acme.member, "mkacmemember")
    garden.row(Approval)
    return garden


@pytest.fixture
def enter(acme: TenantWithUsers, operator: User) -> Callable[..., SupportEntry]:
    def entered(**asked: Any) -> SupportEntry:
        return support.enter(**{"user_id": operator.id, "tenant": "acme", "reason": WHY, **asked})

    return entered


def browser_of(user: User) -> Client:
    principals.cache.forget()
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=user.id))
    return browser


def page_of(run: Run) -> str:
    return reverse("admin:agents_run_change", args=[run.id])


def runs_seen(where: TenantWithUsers, user: User) -> int:
    with tenant_scope(where.tenant.id, user.id):
        return Run.objects.count()


def trail(where: TenantWithUsers) -> list[str]:
    rows = AuditRow.objects.using("system").filter(tenant=where.tenant, action__startswith="support.")
    return list(rows.order_by("seq").values_list("action", flat=True))


def test_without_an_entry_a_superuser_sees_nothing_of_a_tenant(acme, operator, hers):
    assert User.objects.using("system").get(id=operator.id).is_superuser
    browser = browser_of(operator)
    session = browser.session
    session[sessions.TENANT_KEY] = str(acme.tenant.id)
    session.save()
    assert browser.get(page_of(hers.row(Run))).status_code == 302, "that session is over"
    assert SESSION_KEY not in browser.session
    assert browser_of(operator).post(reverse("switch_tenant"), {"tenant": "acme"}).status_code == 404
    assert runs_seen(acme, operator) == 0


def test_she_enters_with_a_reason_sees_says_so_on_each_page_and_leaves(acme, operator, hers):
    browser = browser_of(operator)
    asked = {"tenant": "acme", "reason": WHY, "hours": "2", "may": "read"}
    assert browser.post(reverse("support"), asked).headers["location"] == reverse("admin:index")
    shown = browser.get(page_of(hers.row(Run))).content.decode()
    assert hers.marker in shown
    for page in (shown, browser.get("/").content.decode(), browser.get(reverse("security")).content.decode()):
        assert "You are inside acme as an operator of the platform" in page
        assert WHY in page
    assert browser.post(reverse("support_leave")).status_code == 302
    assert browser.get(page_of(hers.row(Run))).status_code in (403, 404)
    assert "You are inside" not in browser.get("/").content.decode()
    assert runs_seen(acme, operator) == 0
    assert trail(acme) == ["support.entered", "support.ended"]
    assert trail(TenantWithUsers(operator_tenant(operator), {})) == []


def test_the_trail_names_her_to_its_auditors(acme, operator, hers, enter, make_user):
    """Not as a former member, whom she would be taken for: she never was one."""
    enter()
    browser = browser_of(operator)
    browser.post(reverse("switch_tenant"), {"tenant": "acme"})
    browser.get(page_of(hers.row(Run)))
    gone = make_user(acme.tenant, "admin", "gone@acme.test")
    browser_of(gone).get(page_of(hers.row(Run)))
    Membership.objects.using("system").filter(user=gone).delete()

    rows, _ = selectors.audit_rows(acme.principal("auditor"))
    actors = {row.actor.email for row in rows if row.actor and row.action in ("support.entered", "run.read")}
    assert actors == {"root@platform.test", "former member"}

    auditor, place = browser_of(acme.users["auditor"]), "admin:accounts_auditrow_{}".format
    entered = next(row for row in rows if row.action == "support.entered")
    listed = auditor.get(reverse(place("changelist"))).content.decode()
    alone = auditor.get(reverse(place("change"), args=[entered.id])).content.decode()
    for page in (listed, alone):
        assert "root@platform.test, operator of the platform" in page
    assert "former member" in listed
    assert "root@platform.test" in auditor.post(reverse(place("export"))).content.decode()


def test_no_member_stands_on_the_trail_as_an_operator(acme, hers, make_user):
    member = make_user(acme.tenant, "admin", "sly@acme.test")
    User.objects.using("system").filter(id=member.id).update(name="operator of the platform")
    browser_of(member).get(page_of(hers.row(Run)))
    listed = browser_of(acme.users["auditor"]).get(reverse("admin:accounts_auditrow_changelist")).content.decode()
    assert "sly@acme.test" in listed
    assert "operator of the platform" not in listed


def test_her_entries_are_found_by_her_address(acme, enter):
    enter()
    auditor, checked = acme.principal("auditor"), browser_of(acme.users["auditor"])
    for asked, found in (("Root@platform.test", ["support.entered"]), ("nobody@platform.test", [])):
        rows, _ = selectors.audit_rows(auditor, selectors.Asked(actor=asked))
        assert [row.action for row in rows] == found
        listed = checked.get(reverse("admin:accounts_auditrow_changelist"), {"q": asked}).context["cl"].result_list
        assert [row.action for row in listed] == found


def test_the_trail_names_her_to_nobody_who_is_not_told_who_others_are(acme, enter, make_user):
    enter()
    TenantRole.objects.using("system").create(tenant=acme.tenant, name="checker", scopes=["audit:read"])
    checker = make_user(acme.tenant, "checker", "checker@acme.test")
    assert (
        "root@platform.test"
        not in browser_of(checker).get(reverse("admin:accounts_auditrow_changelist")).content.decode()
    )
    principal = principals.load(checker.id, acme.tenant.id)
    assert not [row for row in selectors.audit_rows(principal)[0] if row.actor and "root@" in row.actor.email]


def operator_tenant(user: User) -> Any:
    return sessions.memberships(user.id)[0].tenant


def test_looking_masks_what_people_wrote(acme, operator, hers, enter):
    run, written = hers.row(Run), "my card is lost"
    Run.objects.using("system").filter(id=run.id).update(input=written)
    enter()
    browser = browser_of(operator)
    browser.post(reverse("switch_tenant"), {"tenant": "acme"})
    page = browser.get(page_of(run))
    assert page.status_code == 200
    assert written not in page.content.decode()
    assert written in browser_of(acme.member).get(page_of(run)).content.decode()


@pytest.mark.parametrize(("role", "may_look", "may_end"), [("auditor", True, False), ("admin", True, True)])
def test_the_tenant_reads_who_entered_and_its_administrator_ends_it(
    acme, operator, hers, enter, role, may_look, may_end
):
    entry = enter()
    assert runs_seen(acme, operator) == 1
    page = reverse("admin:accounts_supportentry_changelist")
    browser = browser_of(acme.users[role])
    shown = browser.get(page).content.decode()
    assert operator.email in shown
    assert WHY in shown
    browser.post(page, {"action": "end", "_selected_action": str(entry.id)})
    assert runs_seen(acme, operator) == (0 if may_end else 1)
    assert trail(acme) == ["support.entered", *(["support.ended"] if may_end else [])]


def test_the_tenant_reads_that_she_left_by_herself(acme, operator):
    """She is no member, so nothing but the entry names her."""
    browser = browser_of(operator)
    browser.post(reverse("support"), {"tenant": "acme", "reason": WHY, "hours": "2", "may": "look"})
    browser.post(reverse("support_leave"))
    shown = browser_of(acme.admin).get(reverse("admin:accounts_supportentry_changelist")).content.decode()
    cells = re.findall(r"field-(ended|by)\b[^>]*>(.*?)</td>", shown, re.DOTALL)
    assert [text.strip() for name, text in cells if name == "by"] == [operator.email]
    assert FORMER not in shown


@pytest.mark.parametrize("role", ["viewer", "member", "approver"])
def test_others_have_no_such_page(acme, enter, role):
    enter()
    assert browser_of(acme.users[role]).get(reverse("admin:accounts_supportentry_changelist")).status_code == 403


def test_another_tenant_neither_sees_nor_ends_it(acme, globex, operator, hers, enter):
    entry = enter()
    with pytest.raises(NotFound):
        support.end(globex.principal("admin"), entry_id=entry.id)
    with tenant_scope(globex.tenant.id, globex.admin.id):
        assert not SupportEntry.objects.exists()
    with pytest.raises(PolicyDenied):
        support.end(acme.principal("auditor"), entry_id=entry.id)
    assert runs_seen(acme, operator) == 1


def test_it_ends_by_itself(acme, operator, hers, enter):
    entry = enter()
    assert [place.tenant.slug for place in sessions.places(operator.id)] == ["globex", "acme"]
    past = utc_now() - timedelta(seconds=1)
    SupportEntry.objects.using("system").filter(id=entry.id).update(created_at=past, ends_at=past)
    assert [place.tenant.slug for place in sessions.places(operator.id)] == ["globex"]
    assert runs_seen(acme, operator) == 0
    entered = browser_of(operator)
    again = enter()
    entered.post(reverse("switch_tenant"), {"tenant": "acme"})
    support.end(acme.principal("admin"), entry_id=again.id)
    asked = {"email": "new@acme.test", "role": "viewer"}
    assert entered.post(reverse("admin:accounts_invitation_add"), asked).status_code == 403
    assert SESSION_KEY not in entered.session, "nothing that is open is done in her own tenant"
    again = enter()
    assert SupportEntry.objects.using("system").get(ended_at=None).id == again.id


async def test_the_session_has_it_in_the_api_too_and_no_token_and_no_key(acme, operator, hers, enter):
    await in_thread(enter)
    browser = await in_thread(browser_of, operator)
    await in_thread(browser.post, reverse("switch_tenant"), {"tenant": "acme"})
    found = await sessions.current(browser.session.session_key or "")
    assert found is not None
    assert (found.tenant_slug, found.role, found.via) == ("acme", "support", "cookie")
    assert principals.cache.peek((operator.id, acme.tenant.id, None)) is None
    assert await in_thread(principals.load, operator.id, acme.tenant.id) is None
    with pytest.raises(AgentOSError):
        await in_thread(lambda: tokens.issue(email=operator.email, password=PASSWORD, tenant="acme"))


def test_what_she_is_here_is_kept_for_no_token(acme, operator, enter):
    enter()
    (_, place) = sessions.places(operator.id)
    found = principals.of_member(place, via="cookie")
    cache = PrincipalCache()
    cache.keep("session", 0.0, found)
    assert cache.peek((found.user_id, found.tenant_id, None)) is None


@pytest.mark.parametrize("may", list(May))
def test_nothing_is_approved_and_nobody_given_a_right_by_it(acme, operator, hers, enter, may):
    enter(may=may)
    (_, place) = sessions.places(operator.id)
    she = principals.of_member(place)
    assert not [scope for scope in [*NEVER, *scopes.FOR_PEOPLE] if she.has(scope)]
    assert she.has("runs:write_all") is (may is May.HELP)
    assert she.has("privacy:sensitive") is (may is not May.LOOK)
    with tenant_scope(acme.tenant.id, operator.id):
        assert Approval.objects.count() == 1
        assert Approval.objects.update(status="approved") == 0
        assert Run.objects.update(cancel_requested=True) == (1 if may is May.HELP else 0)


@pytest.mark.parametrize("scope", NEVER)
def test_the_database_takes_no_entry_that_decides(acme, operator, enter, scope):
    entry = enter()
    with pytest.raises(IntegrityError), transaction.atomic(using="system"):
        SupportEntry.objects.using("system").filter(id=entry.id).update(scopes=["runs:read_all", scope])


def test_the_database_takes_none_that_is_longer_and_none_from_the_application(acme, operator, enter):
    entry = enter(hours=4)
    longer = SupportEntry.objects.using("system").filter(id=entry.id)
    with pytest.raises(IntegrityError), transaction.atomic(using="system"):
        longer.update(ends_at=entry.ends_at + timedelta(seconds=1))
    with tenant_scope(acme.tenant.id, acme.admin.id):
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            SupportEntry.objects.update(ended_at=None)
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            SupportEntry(
                tenant=acme.tenant,
                user=acme.member,
                who="x@y.test",
                reason="x",
                created_at=utc_now(),
                ends_at=utc_now(),
            ).save(using="default", force_insert=True)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"reason": "  "}, Invalid),
        ({"reason": "x" * 501}, Invalid),
        ({"hours": 4.01}, Invalid),
        ({"hours": 0}, Invalid),
        ({"hours": -1}, Invalid),
        ({"hours": float("nan")}, Invalid),
        ({"tenant": "nowhere"}, NotFound),
        ({"tenant": "globex"}, Conflict),
    ],
)
def test_what_is_no_entry(acme, enter, asked, error):
    with pytest.raises(error):
        enter(**asked)
    assert not SupportEntry.objects.using("system").exists()


@pytest.mark.parametrize("asked", [{"reason": ""}, {"hours": "5"}, {"hours": "1e9"}, {"tenant": "nowhere"}])
def test_the_page_says_what_is_wrong(acme, operator, asked):
    answer = browser_of(operator).post(reverse("support"), {"tenant": "acme", "reason": WHY, "hours": "1", **asked})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not SupportEntry.objects.using("system").exists()


def test_nobody_else_finds_the_page(acme, globex):
    assert browser_of(globex.admin).get(reverse("support")).status_code == 404
    assert browser_of(globex.admin).post(reverse("support"), {"tenant": "acme", "reason": WHY}).status_code == 404
    assert browser_of(globex.admin).post(reverse("support_leave")).status_code == 404
    with pytest.raises(NotFound):
        support.enter(user_id=globex.admin.id, tenant="acme", reason=WHY)


def test_where_a_second_factor_is_demanded_it_takes_one(acme, operator, settings):
    settings.SECOND_FACTOR = "required"
    answer = browser_of(operator).post(reverse("support"), {"tenant": "acme", "reason": WHY, "hours": "1"})
    assert answer.status_code == 400
    assert "second factor" in answer.content.decode()
    assert not SupportEntry.objects.using("system").exists()


def test_the_command_appoints_lets_in_and_dismisses(acme, globex, make_user, hers):
    user = make_user(globex.tenant, "viewer", "root@platform.test")
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("support", "enter", "acme", "--user", user.email, "--reason", WHY, stderr=told)
    assert "no operator" in told.getvalue()
    call_command("support", "appoint", user.email, stdout=told)
    call_command("support", "enter", "acme", "--user", user.email, "--reason", WHY, "--hours", "0.5", stdout=told)
    assert runs_seen(acme, user) == 1
    call_command("support", "dismiss", user.email, stdout=told)
    assert runs_seen(acme, user) == 0
    assert trail(acme) == ["support.entered", "support.ended"]
    assert not sessions.places(user.id)[1:]
