"""Walks every page with rows whose every name and text hides something: what cannot be seen is spelled out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from accounts.models import User
from accounts.showing import is_hidden, page_spelled_out, spelled_out, visible
from agentos.backup.models import BackupRecord
from agentos.core.clock import utc_now
from knowledge.models import KnowledgeBase
from tests.conftest import TenantWithUsers
from tests.console.conftest import SignIn, page
from tests.isolation.planting import Garden
from tests.isolation.walk import pages

ROOT = Path(__file__).parents[2]
HIDDEN = "mk\u202efdp\u200b"  # a right-to-left override and a zero-width space
SPELLED = "mk[U+202E]fdp[U+200B]"
NOT_SHOWN = {"textarea", "script", "style"}  # what is typed there stays as it is until it is sent
SEEN_BLANKS = set("\u00a0\u2007\u202f\u3000")  # as in "2.0\xa0KB"
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
    """Return the shown texts in which something hides; a break of a line hides nothing, nor does a wide blank."""
    hidden = {each for each in set(html) - set("\r\n\t ") - SEEN_BLANKS if is_hidden(each)}
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


def test_a_blank_that_keeps_a_number_at_its_unit_stays(acme: TenantWithUsers, signed_in: SignIn) -> None:
    BackupRecord.objects.using("system").create(kind="backup", ok=True, at=utc_now(), size_bytes=2048)
    shown = page(signed_in(acme.admin).get("/admin/backup/backuprecord/"))
    assert "2.0\u00a0KB" in shown
    assert hiding(shown) == []


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
        ("<p>5\u00a0minutes, 1\u202f000\u2007kB,\u3000</p>", "<p>5\u00a0minutes, 1\u202f000\u2007kB,\u3000</p>"),
    ],
)
def test_only_what_is_read_is_spelled_out(html: str, spelled: str) -> None:
    assert page_spelled_out(html.encode()).decode() == spelled


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f \u2714\ufe0e \u203c\ufe0f \u2194\ufe0f 1\ufe0f\u20e3",
        "\U0001f469\u200d\U0001f4bb",  # who works at a computer
        "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468 \U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f9d1\U0001f3fd\u200d\u2695\ufe0f",  # of a skin tone
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: "I want"
        "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",  # Hindi: both ways to write "ksh"
        "\u09b0\u200d\u09cd\u09af \u0d9a\u0dca\u200d\u0dbb",  # Bengali and Sinhala
    ],
)
def test_what_writing_needs_stays(text: str) -> None:
    for html in (f"<p>{text}</p>", f'<p title="{text}">'):
        assert page_spelled_out(html.encode()).decode() == html


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("pay\u200dpal pay\u200cpal", "pay[U+200D]pal pay[U+200C]pal"),
        ("a\ufe0f 1\ufe0f +\ufe0f \ufe0f", "a[U+FE0F] 1[U+FE0F] +[U+FE0F] [U+FE0F]"),
        ("\u2764\ufe0f\ufe0f\ufe0e", "\u2764\ufe0f[U+FE0F][U+FE0E]"),
        ("\ufe0f\u20e3", "[U+FE0F]\u20e3"),
        ("\u2764\ufe01\U000e0100", "\u2764[U+FE01][U+E0100]"),
        ("\U0001f469\u200d\u200d\U0001f4bb", "\U0001f469[U+200D][U+200D]\U0001f4bb"),
        ("\U0001f469\u200c\U0001f4bb", "\U0001f469[U+200C]\U0001f4bb"),
        ("\U0001f469\u200d\u200b\U0001f4bb", "\U0001f469[U+200D][U+200B]\U0001f4bb"),
        ("\U0001f469\u200d", "\U0001f469[U+200D]"),
        ("\u200d\U0001f469 a\u200d\U0001f469", "[U+200D]\U0001f469 a[U+200D]\U0001f469"),
        (
            "\u0645\u200c\u200c\u062e \u0645\u200c a\u200c\u062e",
            "\u0645[U+200C][U+200C]\u062e \u0645[U+200C] a[U+200C]\u062e",
        ),
        ("\u0645\u200c\u060c \u0663\u200d\u0664", "\u0645[U+200C]\u060c \u0663[U+200D]\u0664"),
    ],
)
def test_a_joiner_where_nothing_joins_is_spelled_out(text: str, spelled: str) -> None:
    assert page_spelled_out(f"<p>{text}</p>".encode()).decode() == f"<p>{spelled}</p>"


def test_an_approval_shows_joiners_and_blanks_of_any_kind() -> None:
    """Who decides on arguments reads each sign of them."""
    assert spelled_out("5\u00a0k \u2764\ufe0f") == "5[U+00A0]k \u2764[U+FE0F]"
    assert "U+00A0" in visible("5\u00a0k")


def test_each_choice_says_what_it_sends() -> None:
    """One without a value sends the text that is read, in which characters are spelled out."""
    templates = [path for folder in ("templates", "accounts/templates") for path in (ROOT / folder).rglob("*.html")]
    silent = [path.name for path in templates if re.search(r"<option\b(?![^>]* value=)", path.read_text())]
    assert templates
    assert silent == []


def test_a_broken_page_is_read_once() -> None:
    """Nothing is tried anew from every sign: 400 kB in which nothing is closed would take half a minute so."""
    assert page_spelled_out(("\u200b" + '<a title="' * 40_000).encode()).startswith(b"[U+200B]")
