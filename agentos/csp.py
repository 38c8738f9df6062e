"""The content security policy, and the nonces by which a browser knows the scripts and styles of our templates.

A nonce marks what stands in the source of a template, before anything is filled in (`NoncedTemplates`). So what a value
brings into a page never carries it, and the theme's templates need no copies of ours. The names are those of Django 6,
which has policies of its own. The standard: https://www.w3.org/TR/CSP3/.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

from django.forms.widgets import Media
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import Context, Library, Origin
from django.template.loaders import app_directories, filesystem
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

HEADER = "Content-Security-Policy"
ADMIN_PATH = "/admin/"
NONCE_BYTES = 16

_SAME_ORIGIN = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_ELEMENT = re.compile(r"<(script|style)(?=[\s>])")
_MEDIA = re.compile(r"\{\{ *((?:\w+\.)*media(?:\.js)?) *\}\}")

register = Library()


def nonce(request: HttpRequest) -> str:
    """Return the request's nonce, 128 bits in letters that need no escaping, the same each time it is asked for."""
    if not hasattr(request, "_csp_nonce"):
        request._csp_nonce = secrets.token_urlsafe(NONCE_BYTES)  # type: ignore[attr-defined]
    return request._csp_nonce  # type: ignore[attr-defined,no-any-return]


def policy(request: HttpRequest) -> str:
    """Return the policy for the answer: files and sockets of our origin, scripts of our templates only.

    The theme of the admin evaluates expressions that stand in its templates (Alpine), and these set widths.
    """
    own = f"'nonce-{nonce(request)}'"
    if request.path.startswith(ADMIN_PATH):
        return f"{_SAME_ORIGIN}; script-src {own} 'unsafe-eval'; style-src 'self' {own}; style-src-attr 'unsafe-inline'"
    return f"{_SAME_ORIGIN}; script-src {own}; style-src 'self' {own}"


def protect(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write the policy into the answer's head."""
    response.headers.setdefault(HEADER, policy(request))


class ContentSecurityPolicy:
    """Middleware that protects every answer of pages and admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        protect(request, response)
        return response


def csp(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `csp_nonce`."""
    return {"csp_nonce": SimpleLazyObject(lambda: nonce(request))}


@register.simple_tag(takes_context=True)
def nonced(context: Context, media: Media) -> SafeString:
    """Render a form's media, whose tags its widgets build, with the nonce in its scripts."""
    marked = format_html('<script nonce="{}"', context.get("csp_nonce", ""))
    return mark_safe(str(media).replace("<script", marked))  # noqa: S308  # markup of widgets, not of values


def with_nonces(source: str) -> str:
    """Return the source of a template whose scripts, styles and media carry the nonce of the request."""
    marked = _ELEMENT.sub(r'<\1 nonce="{{ csp_nonce }}"', source)
    return _MEDIA.sub(r"{% nonced \1 %}", marked)


class _NoncedTemplates:
    def get_contents(self, origin: Origin) -> str:
        source: str = super().get_contents(origin)  # type: ignore[misc]
        return with_nonces(source) if origin.name.endswith(".html") else source


class ProjectTemplates(_NoncedTemplates, filesystem.Loader):
    """Loads the templates of the project."""


class AppTemplates(_NoncedTemplates, app_directories.Loader):
    """Loads the templates of applications, ours and installed ones."""
