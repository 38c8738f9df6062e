"""What kinds of connections there are: declared by whoever has tools that need them, listed by the settings.

A connection is known by its kind: a tool asks for `mail`, and gets the user's, else the tenant's, else the platform's,
as far as the kind allows these levels. A personal service has one level only: the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias

from django.conf import settings
from django.utils.module_loading import import_string

from agentos.core.addresses import BadAddress, host_of, host_of_server
from agentos.core.errors import Invalid

MAX_VALUE_CHARS = 16_000
SHORTEST_SECRET = 4  # a shorter one could not be told from other text, and kept out of it


class Level(StrEnum):
    """Whose a connection is, narrowest first."""

    USER = "user"
    TENANT = "tenant"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class ConnectionKind:
    """`secrets` and `plain` are the fields that must be given, `optional` plain ones that may; all are kept sealed.

    `check` looks at values before they are stored, without a transaction; it raises Invalid.
    """

    name: str
    secrets: tuple[str, ...]
    plain: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    levels: tuple[Level, ...] = tuple(Level)
    check: Callable[[dict[str, str]], None] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.plain, *self.secrets, *self.optional)

    @property
    def title(self) -> str:
        return in_words(self.name)

    @property
    def is_personal(self) -> bool:
        return self.levels == (Level.USER,)

    def checked(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values when they are all that the kind wants. Raises: Invalid, without repeating a value."""
        given = {name: value.strip() for name, value in values.items() if value.strip()}
        if unknown := sorted(set(given) - set(self.fields)):
            raise Invalid(f"{self.name} has no field {', '.join(unknown)}.", code="bad_credentials")
        if missing := [name for name in (*self.plain, *self.secrets) if name not in given]:
            raise Invalid(f"{self.name} lacks {', '.join(missing)}.", code="bad_credentials")
        if too_long := [name for name, value in given.items() if len(value) > MAX_VALUE_CHARS]:
            raise Invalid(f"{', '.join(too_long)}: more than {MAX_VALUE_CHARS} characters.", code="bad_credentials")
        if short := [name for name in self.secrets if len(given[name]) < SHORTEST_SECRET]:
            raise Invalid(f"{', '.join(short)}: too short for a secret.", code="bad_credentials")
        if self.check is not None:
            self.check(given)
        return given


def in_words(name: str) -> str:
    """Return how pages call a kind, one that nobody declares any more too."""
    return name.replace("_", " ").capitalize()


Provider: TypeAlias = Callable[[], Iterable[ConnectionKind]]


def personal_services() -> tuple[ConnectionKind, ...]:
    """Return the kinds that every installation knows: what belongs to a person and to nobody else."""
    return (
        ConnectionKind("mail", ("password",), ("host", "username"), levels=(Level.USER,), check=_mail_server),
        ConnectionKind("calendar", ("password",), ("url", "username"), levels=(Level.USER,), check=_calendar),
    )


def _mail_server(values: Mapping[str, str]) -> None:
    _named(host_of_server, values["host"])


def _calendar(values: Mapping[str, str]) -> None:
    _named(host_of, values["url"])


def _named(host: Callable[..., str], address: str) -> None:
    try:
        host(address, private=settings.PRIVATE_ENDPOINTS)
    except BadAddress as error:
        raise Invalid(error.detail, code=error.code) from None


@cache
def kinds() -> dict[str, ConnectionKind]:
    """Return every kind by its name; the first provider that names one decides."""
    found: dict[str, ConnectionKind] = {}
    for path in settings.AGENTOS_CONNECTION_KINDS:
        provider: Provider = import_string(path)
        for kind in provider():
            found.setdefault(kind.name, kind)
    return found


def kind_of(name: str) -> ConnectionKind:
    """Raises: Invalid when there is no such kind."""
    if (kind := kinds().get(name)) is None:
        raise Invalid("There is no such kind of connection.", code="unknown_kind")
    return kind
