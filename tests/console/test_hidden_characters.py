"""Walks every page with rows whose every name and text hides something: what cannot be seen is spelled out."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from accounts.models import User
from accounts.showing import is_hidden, page_spelled_out
from knowledge.models import KnowledgeBase
from tests.conftest import TenantWithUsers
from tests.console.conftest import SignIn, page
from tests.isolation.planting import Garden
from tests.isolation.walk import pages

HIDDEN = "mk\u202efdp\u200b"  # a right-to-left override and a zero-width space
SPELLED = "mk[U+202E]fdp[U+200B]"
NOT_SHOWN = {"textarea", "script", "style"}  # what is typed there stays as it is until it is sent
SENT = {"value", "href", "action", "id", "for"}


class Shown(HTMLParser):
    """Collects what a page shows or reads out: its text, and what stands in attributes but those that are sent."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)  # ours may stand there: nobody's text brings one
        self.texts: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in NOT_SHOWN:
            self._inside.append(tag)
        self.texts += [f"{tag} {name}={value}" for name, value in attrs if name not in SENT and value]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.texts.append(data)


def hiding(html: str) -> list[str]:
    """Return the shown texts in which something hides; a break of a line hides nothing."""
    hidden = {each for each in set(html) - set("\r\n\t ") if is_hidden(each)}
    return [text for text in Shown(html).texts if not hidden.isdisjoint(text)] if hidden else []


@pytest.fixture
def garden(acme: TenantWithUsers) -> Garden:
    """Rows of the approver's in every table, all with hidden characters in what somebody typed."""
    User.objects.using("system").update(name=HIDDEN)
    acme.tenant.name = HIDDEN
    acme.tenant.save(using="system")
    return Garden(acme.tenant, acme.approver, HIDDEN).all()


def addresses(garden: Garden) -> Iterator[str]:
    for route in pages():
        if route.verb == "GET" and not any(word in route.path for word in ("logout", "static", "sign-out")):
            yield f"/{route.of(garden)}"


@pytest.mark.parametrize("role", ["admin", "approver"])
def test_no_page_shows_text_in_which_something_hides(
    acme: TenantWithUsers, signed_in: SignIn, garden: Garden, role: str
) -> None:
    client, raw, spelled = signed_in(acme.users[role]), {}, 0
    for path in addresses(garden):
        answer = client.get(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        shown = page(answer)
        spelled += SPELLED in shown
        if found := hiding(shown):
            raw[path] = found
    assert raw == {}
    assert spelled > 20


def test_what_a_form_sends_stays_as_it_is(acme: TenantWithUsers, signed_in: SignIn, garden: Garden) -> None:
    base = garden.row(KnowledgeBase)
    shown = page(signed_in(acme.admin).get(f"/admin/knowledge/knowledgebase/{base.pk}/change/"))
    assert f'value="{base.name}"' in shown
    assert is_hidden(base.name[2])
    assert SPELLED in shown, "the tenant's name"


@pytest.mark.parametrize(
    ("html", "spelled"),
    [
        ("<p>a\u200bb</p>", "<p>a[U+200B]b</p>"),
        ("<p title='a\u200bb' data-sent='a\u200bb'>", "<p title='a[U+200B]b' data-sent='a\u200bb'>"),
        ('<option value="\u202e>">\u202e></option>', '<option value="\u202e>">[U+202E]></option>'),
        ('<input aria-label="\x1b" value="\x1b">', '<input aria-label="[U+001B]" value="\x1b">'),
        ("<textarea>\u200b</textarea>\u200b", "<textarea>\u200b</textarea>[U+200B]"),
        ("<script>'\u200b'</script ><!-- \u200b -->\u200b<", "<script>'\u200b'</script ><!-- \u200b -->[U+200B]<"),
        ("<p>Zürich, Δ 東京\r\n\tשלום 🚀&nbsp;</p>", "<p>Zürich, Δ 東京\r\n\tשלום 🚀&nbsp;</p>"),
    ],
)
def test_only_what_is_read_is_spelled_out(html: str, spelled: str) -> None:
    assert page_spelled_out(html.encode()).decode() == spelled


def test_a_broken_page_is_read_once() -> None:
    """Nothing is tried anew from every sign: 400 kB in which nothing is closed would take half a minute so."""
    assert page_spelled_out(("\u200b" + '<a title="' * 40_000).encode()).startswith(b"[U+200B]")
