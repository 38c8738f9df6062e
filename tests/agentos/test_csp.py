"""The content security policy: scripts run by the nonce of their answer, which only sources of templates carry."""

from __future__ import annotations

import re

import pytest
from django.forms import Media
from django.http import HttpResponse
from django.template import engines
from django.test import AsyncClient, Client, RequestFactory

from agentos import csp

SCRIPT = re.compile(r'<script(?![^>]*type="application/json")[^>]*>')
MARKED = re.compile(r'<(?:script|style) nonce="([\w-]{22})"')


def named(answer: HttpResponse) -> str:
    """Return the nonce that an answer's policy names."""
    (nonce,) = set(re.findall(r"'nonce-([\w-]{22})'", answer["Content-Security-Policy"]))
    return nonce


@pytest.mark.django_db
def test_scripts_of_a_page_carry_the_nonce_that_its_policy_names_and_no_two_answers_share_one() -> None:
    answers = [Client().get("/admin/login/") for _ in range(2)]
    for answer in answers:
        scripts = SCRIPT.findall(answer.content.decode())
        assert len(scripts) > 5
        assert [MARKED.findall(script) for script in scripts] == [[named(answer)]] * len(scripts)
    assert named(answers[0]) != named(answers[1])


async def test_so_do_those_of_the_documented_api() -> None:
    answer = await AsyncClient().get("/api/docs")
    scripts = SCRIPT.findall(answer.content.decode())
    assert len(scripts) == 2
    assert all(MARKED.match(tag) for tag in scripts)


def test_what_is_filled_in_carries_no_nonce() -> None:
    request = RequestFactory().get("/")
    source = csp.with_nonces("{{ value|safe }}<script src='ours.js'></script>")
    page = engines["django"].from_string(source).render({"value": "<script>theirs()</script>"}, request)
    assert page == f"<script>theirs()</script><script nonce=\"{csp.nonce(request)}\" src='ours.js'></script>"


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("<script>x</script>", '<script nonce="{{ csp_nonce }}">x</script>'),
        ("<style id='a'>x</style>", "<style nonce=\"{{ csp_nonce }}\" id='a'>x</style>"),
        ("{{ media }}", "{% nonced media %}"),
        ("{{ form.media.js }}", "{% nonced form.media.js %}"),
        ("{{ media.css }} {{ mediation }} <scripted>", "{{ media.css }} {{ mediation }} <scripted>"),
    ],
)
def test_sources_are_marked(source: str, marked: str) -> None:
    assert csp.with_nonces(source) == marked


def test_media_of_a_form_is_marked() -> None:
    request = RequestFactory().get("/")
    page = engines["django"].from_string(csp.with_nonces("{{ media }}"))
    shown = page.render({"media": Media(js=["a.js", "b.js"])}, request)
    assert MARKED.findall(shown) == [csp.nonce(request)] * 2
    assert page.render({"media": Media(js=["a.js"])}) == '<script nonce="" src="/static/a.js"></script>'


def test_only_the_admin_may_evaluate_and_set_attributes() -> None:
    pages, admin = (RequestFactory().get(path) for path in ("/accounts/security/", "/admin/agents/run/"))
    strict = csp.policy(pages)
    assert csp.policy(admin).replace(csp.nonce(admin), csp.nonce(pages)) == strict.replace(
        "; style-src", " 'unsafe-eval'; style-src", 1
    ) + ("; style-src-attr 'unsafe-inline'")
    assert "unsafe" not in strict
    assert "http" not in strict
    assert "frame-ancestors 'none'" in strict
    assert f"script-src 'nonce-{csp.nonce(pages)}';" in strict
