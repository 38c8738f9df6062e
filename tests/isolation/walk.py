"""Every route there is, found in the routers, with what is sent to it of somebody's rows.

A new route is found by itself. When it names an id that nobody has mapped yet, or takes a body that nobody has written
yet, the walk says so and fails: a line in `IDS` or `BODIES` covers it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from django.apps import apps
from django.contrib.admin import site
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Connection, ServiceAccount
from accounts.privacy.models import LegalHold, PrivacyJob
from agentos.api import api
from agentos.asgi import sockets
from agents.models import KillSwitch, Run, Session, Step
from governance.models import Approval, ApprovalQuestion, Delegation, Endpoint, StandingRule
from knowledge.models import KnowledgeBase
from tests.isolation.planting import Garden

NOTHING = "01a20000-0000-7000-8000-000000000000"
# Names of what is installed, and a secret link: nobody's rows.
NAMES = {
    "agent_id": "approvals",
    "tool": "process_refund",
    "token": "mknothing",
    "provider_id": "nowhere",
    "name": "runs",
    "number": "7000",
}
OF_THE_PLATFORM = ("backup.BackupRecord",)  # rows that the admin site shows and that are no tenant's
IDS: dict[str, type[Model]] = {
    "run_id": Run,
    "step_id": Step,
    "session_id": Session,
    "approval_id": Approval,
    "account_id": ServiceAccount,
    "job_id": PrivacyJob,
    "hold_id": LegalHold,
    "connection_id": Connection,
    "switch_id": KillSwitch,
    "endpoint_id": Endpoint,
    "delegation_id": Delegation,
    "rule_id": StandingRule,
    "question_id": ApprovalQuestion,
    "knowledge_id": KnowledgeBase,
}
READ_BY_ALL = (KnowledgeBase,)  # what each built-in role reads: to a colleague it tells nothing of anybody
UNMAPPED = {"content_type_id": "1", "url": "nowhere", "app_label": "agents"}  # of the admin site's own addresses
Body = Callable[[Garden], dict[str, Any]]


def part(garden: Garden) -> str:
    """Return a word that finds what bears the marker, and that is not the marker when an answer repeats it."""
    return garden.marker[:-1]


BODIES: dict[str, Body] = {
    "POST /auth/token": lambda garden: {
        "email": garden.user.email,
        "password": "wrong",
        "tenant": garden.tenant.slug,
    },
    "POST /auth/refresh": lambda garden: {"refresh": "x.y.z"},
    "POST /auth/logout": lambda garden: {},
    "POST /privacy/export": lambda garden: {"user": str(garden.user.id)},
    "POST /privacy/erase": lambda garden: {"user": garden.user.email, "confirm": True},
    "PATCH /privacy/me": lambda garden: {},
    "POST /privacy/holds": lambda garden: {"user": str(garden.user.id), "reason": "because"},
    "POST /service-accounts": lambda garden: {"name": "x", "user_id": str(garden.user.id)},
    "POST /service-accounts/{account_id}/rotate": lambda garden: {},
    "PUT /connections": lambda garden: {"kind": "mail", "values": {"host": "mail.example"}},
    "POST /agents/{agent_id}/runs": lambda garden: {
        "message": "Hello",
        "session_id": garden.row(Session).session_id,
        "background": True,
        "stream": False,
    },
    "POST /agents/{agent_id}/runs/{run_id}/continue": lambda garden: {
        "tools": orjson.dumps([{"tool_call_id": garden.row(Step).tool_call_id, "confirmed": True}]).decode(),
        "session_id": garden.row(Session).session_id,
    },
    "POST /agents/{agent_id}/runs/{run_id}/cancel": lambda garden: {},
    "POST /agents/{agent_id}/runs/{run_id}/resume": lambda garden: {
        "session_id": garden.row(Session).session_id,
    },
    "POST /runs/{run_id}/answers": lambda garden: {
        "answers": [{"tool_call_id": garden.row(Step).tool_call_id, "confirmed": True}]
    },
    "POST /runs/{run_id}/cancel": lambda garden: {},
    "POST /runs/{run_id}/pause": lambda garden: {},
    "POST /runs/{run_id}/unpause": lambda garden: {},
    "POST /runs/{run_id}/rerun": lambda garden: {},
    "POST /runs/{run_id}/fork": lambda garden: {"from_step": str(garden.row(Step).id)},
    "POST /runs/{run_id}/steps/{step_id}/reconcile": lambda garden: {"outcome": "abandon", "reason": "because"},
    "POST /approvals/{approval_id}/resolve": lambda garden: {"status": "rejected", "reason": "because"},
    "POST /approvals/{approval_id}/questions": lambda garden: {"text": "Why?"},
    "POST /approvals/{approval_id}/questions/{question_id}/answer": lambda garden: {"text": "Because."},
    "POST /delegations": lambda garden: {
        "to": garden.user.email,
        "tool": "process_refund",
        "until": "2999-01-01T00:00:00Z",
    },
    "POST /delegations/{delegation_id}/revoke": lambda garden: {},
    "POST /standing-rules": lambda garden: {
        "component": "approvals",
        "tool": "process_refund",
        "conditions": ["amount <= 5"],
        "most": 1,
        "until": "2999-01-01T00:00:00Z",
        "reason": "because",
        "requester": str(garden.user.id),
    },
    "POST /standing-rules/{rule_id}/revoke": lambda garden: {},
    "PUT /policies/{tool}": lambda garden: {
        "rules": [{"level": "approve", "approvers": [str(garden.user.id)]}],
        "activate": False,
    },
    "PUT /privacy/retention/{name}": lambda garden: {"days": 7},
    "PUT /notifications/preferences": lambda garden: {"choices": {}},
    "POST /notifications/endpoints": lambda garden: {
        "channel": "webhook",
        "name": "x",
        "url": "https://127.0.0.1/",
        "kinds": [],
    },
    "PATCH /notifications/endpoints/{endpoint_id}": lambda garden: {"is_active": False},
    "POST /notifications/endpoints/{endpoint_id}/rotate": lambda garden: {},
    "PUT /models/allowed": lambda garden: {"models": [part(garden)]},
    "POST /halts": lambda garden: {"target": "tool:process_refund", "reason": "because"},
    "POST /policies/simulate": lambda garden: {"rules": []},
    "POST /policies/activate": lambda garden: {},
    "POST /policies/rollback": lambda garden: {"number": 1},
    "POST /knowledge": lambda garden: {"slug": "x", "name": "x"},
    "PATCH /knowledge/{knowledge_id}": lambda garden: {"name": "x"},
}


QUERIES: dict[str, Body] = {
    "GET /audit": lambda garden: {"object_id": part(garden)},
    "GET /agents/{agent_id}/runs": lambda garden: {"session_id": garden.row(Session).session_id},
    "GET /approvals": lambda garden: {"run_id": str(garden.row(Run).id)},
    "GET /access/explain": lambda garden: {"user": garden.user.email, "tool": "process_refund"},
    "GET /usage": lambda garden: {"user_id": str(garden.user.id)},
    "GET admin/search/": lambda garden: {"s": part(garden)},
    "GET admin/autocomplete/": lambda garden: {
        "app_label": "accounts",
        "model_name": "serviceaccount",
        "field_name": "user",
        "term": part(garden),
    },
}


@dataclass(frozen=True, slots=True)
class Route:
    """One verb on one address; `model` is whose page it is, on the admin site, and `action` what its list is told."""

    verb: str
    path: str
    names: tuple[str, ...]
    is_api: bool
    model: type[Model] | None = None
    action: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.path}{self.action and f' ({self.action})'}"

    @property
    def only_moves_on(self) -> bool:
        """Whether it is the short address of a row on the admin site, which redirects to the long one unseen."""
        return self.model is not None and self.path.endswith(f"{self.model._meta.model_name}/<path:object_id>/")

    @property
    def ids(self) -> tuple[str, ...]:
        """The names in the address that stand for somebody's row."""
        if self.model is not None and self.model._meta.label in OF_THE_PLATFORM:
            return ()
        return tuple(name for name in self.names if name not in NAMES and name not in UNMAPPED)

    @property
    def is_read_by_all(self) -> bool:
        """Whether it shows a row that every member of its tenant may read."""
        models = [_model_named(self, name) for name in self.ids]
        only_reads = self.verb == "GET" or self.path.endswith("/history/")
        return only_reads and bool(models) and all(model in READ_BY_ALL for model in models)

    @property
    def names_rows(self) -> bool:
        """Whether what is sent depends on whose rows are meant: by an id, a search, a body or a key."""
        writes = self.is_api and self.verb != "GET"
        named = bool(self.ids or self.action or str(self) in BODIES or str(self) in QUERIES)
        return named or writes or self.searches

    @property
    def searches(self) -> bool:
        """Whether it is a page that is asked to search, as lists are."""
        return self.verb == "GET" and self.path.startswith("admin/") and not self.names

    def of(self, garden: Garden) -> str:
        """Return the address of a garden's rows. Raises: LookupError for a name that nobody has mapped."""
        return self._filled({name: _id(self, name, garden) for name in self.ids})

    def words(self, garden: Garden) -> list[str]:
        """Return the ids that stand in the address, which an answer may repeat."""
        return [_id(self, name, garden) for name in self.ids]

    def of_nothing(self) -> str:
        """Return an address of the same form of rows that there are not."""
        return self._filled(dict.fromkeys(self.ids, NOTHING))

    def _filled(self, ids: dict[str, str]) -> str:
        path = self.path
        for name in self.names:
            value = {"object_id": NOTHING, **NAMES, **UNMAPPED, **ids}[name]
            path = re.sub(rf"<(?:\w+:)?{name}>|\{{{name}\}}|\(\?P<{name}>[^)]*\)", quote(value), path)
        return path.replace("^", "").replace("$", "")


def _model_named(route: Route, name: str) -> type[Model] | None:
    return (route.model or Run) if name == "object_id" else IDS.get(name)


def _id(route: Route, name: str, garden: Garden) -> str:
    model = _model_named(route, name)
    if model is None:
        raise LookupError(f"{route}: say in {__name__}.IDS whose id {name} is")
    row = garden.row(model)
    return str(row.session_id if model is Session and name == "session_id" else row.pk)


def api_routes() -> Iterator[Route]:
    """Yield what ninja serves."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for verb in sorted(operation.methods):
                    whole = f"{prefix}{path}"
                    yield Route(verb, whole, tuple(re.findall(r"\{(?:\w+:)?(\w+)\}", whole)), is_api=True)


def pages() -> Iterator[Route]:
    """Yield what Django's own handler serves, the admin site with all that is registered there."""
    for path, names in _patterns(get_resolver()):
        if not path.startswith("api/"):
            for verb in ("GET", "POST"):
                yield Route(verb, path, names, is_api=False, model=_model_of(path))
            yield from _actions(path)


def _actions(path: str) -> Iterator[Route]:
    """Yield what the list of a model's rows lets one do with some of them, and deleting them in any case."""
    model = _model_of(path)
    if model is not None and path == f"admin/{model._meta.app_label}/{model._meta.model_name}/":
        for action in {"delete_selected", *(str(name) for name in site._registry[model].actions or ())}:
            yield Route("POST", path, (), is_api=False, model=model, action=action)


def _patterns(
    resolver: URLResolver, before: str = "", names: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern in resolver.url_patterns:
        path = f"{before}{pattern.pattern}"
        found = (*names, *getattr(pattern.pattern, "converters", {}), *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLPattern):
            yield path, tuple(dict.fromkeys(found))
        else:
            yield from _patterns(pattern, path, found)


def _model_of(path: str) -> type[Model] | None:
    parts = path.split("/")
    try:
        return apps.get_model(parts[1], parts[2]) if parts[0] == "admin" and len(parts) > 3 else None
    except LookupError:
        return None


def socket_paths() -> list[str]:
    """Return the addresses of the WebSockets, without the one that answers for every other path."""
    return [str(route.pattern) for route in sockets.routes if str(route.pattern)]
