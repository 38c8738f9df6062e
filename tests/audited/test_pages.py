"""No page that changes something is left out: the walk over them, compared with the site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.tenancy import tenant_scope
from tests.audited import test_pages_of_people, test_pages_of_runs
from tests.audited.walking import page_names
from tests.conftest import TenantWithUsers

WALKED = test_pages_of_people.WALKED | test_pages_of_runs.WALKED
# What shows and changes nothing, whatever is sent; `security_begin` asks for the password again and waits.
SHOWN = {
    "metrics",
    *("access", "app_list", "autocomplete", "dashboard", "home", "index", "jsi18n", "oidc_begin", "view_on_site"),
    *("policies", "policy_simulate", "policy_version"),
    *("password_change_done", "privacy_archive", "search", "security", "security_begin", "theme", "agents_run_trace"),
}
# Elsewhere: they need a provider (tests/accounts/test_oidc.py), or a process that goes on with the run by the services
# that `test_api` walks (tests/agents/test_admin.py).
# Several approvals together are decided one by one, by the service of one (tests/console/test_bulk.py).
ELSEWHERE = {
    *("oidc_callback", "agents_run_rerun", "agents_run_fork", "agents_step_reconcile"),
    *("governance_approval_changelist", "governance_approval_together"),
}


def unwalked() -> Iterator[tuple[str, ModelAdmin[Any], str]]:
    """Yield the admin's pages that no test sends a form to: name, class and verb."""
    walked = {name for _, name in WALKED} | ELSEWHERE
    for model, ours in admin.site._registry.items():
        for verb in ("add", "change", "delete", "changelist"):
            name = f"{model._meta.app_label}_{model._meta.model_name}_{verb}"
            if name not in walked:
                yield name, ours, verb


def test_what_is_not_walked_takes_no_form(acme: TenantWithUsers) -> None:
    """Not even of an administrator: nobody may add, change or delete there, and there is nothing to do with a list."""
    browser = Client()
    browser.force_login(User.objects.using("system").get(id=acme.admin.id))
    request = browser.get(reverse("privacy")).wsgi_request
    with tenant_scope(acme.tenant.id, acme.admin.id):
        found = [
            name
            for name, ours, verb in unwalked()
            if (ours.get_actions(request) if verb == "changelist" else getattr(ours, f"has_{verb}_permission")(request))
        ]
    assert found == [], "walk these"


def test_every_page_that_changes_something_is_walked() -> None:
    """A new page belongs into one of the tests: its entry, and that it fails without."""
    walked = {name for _, name in WALKED}
    assert (
        page_names() - SHOWN - ELSEWHERE - {name for name, _, _ in unwalked()} - walked - {"privacy_archive"} == set()
    ), "walk these"
    assert (walked | SHOWN | ELSEWHERE) - page_names() == set(), "these are no more"
