"""The NinjaAPI: routers, and the one place where errors become answers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from accounts import away
from accounts.api.audit import router as audit_router
from accounts.api.connections import router as connections_router
from accounts.api.privacy import router as privacy_router
from accounts.api.service_accounts import router as service_accounts_router
from accounts.api.signing import router as signing_router
from accounts.auth import Authenticator, principal_of, public, scope
from accounts.seam import in_thread
from agentos import __version__
from agentos.backup import facts
from agentos.core.errors import AgentOSError, NotAuthenticated, TooLarge, whereabouts
from agentos.declared import DeclaredAPI, StrictParser
from agentos.problems import problem, problem_of
from agents import seen
from agents.api.components import router as components_router
from agents.api.control import router as control_router
from agents.api.halts import router as halts_router
from agents.api.models import router as models_router
from agents.api.runs import router as runs_router
from agents.api.sessions import router as sessions_router
from agents.health import Checks, readiness
from agents.services import tenant_models
from governance.api.access import router as access_router
from governance.api.approvals import router as governance_router
from governance.api.consents import router as consents_router
from governance.api.notifications import router as notifications_router
from governance.api.policies import router as policies_router
from governance.api.usage import router as usage_router
from knowledge.api import router as knowledge_router

logger = logging.getLogger(__name__)
STARTED_AT = datetime.now(UTC)

api = DeclaredAPI(
    title="AgentOS",
    version=__version__,
    description="Run agents: streams, pauses, approvals, audit.",
    auth=Authenticator(),
    parser=StrictParser(),
    docs_url="/docs",
    openapi_url="/openapi.json",
)
api.add_router("", signing_router)
api.add_router("", audit_router)
api.add_router("", privacy_router)
api.add_router("", service_accounts_router)
api.add_router("", connections_router)
api.add_router("", knowledge_router)
api.add_router("", components_router)
api.add_router("", runs_router)
api.add_router("", sessions_router)
api.add_router("", control_router)
api.add_router("", models_router)
api.add_router("", halts_router)
api.add_router("", governance_router)
api.add_router("", consents_router)
api.add_router("", usage_router)
api.add_router("", access_router)
api.add_router("", policies_router)
api.add_router("", notifications_router)


def _request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


@api.exception_handler(AgentOSError)
def _on_own_error(request: HttpRequest, error: AgentOSError) -> HttpResponse:
    return problem_of(error, _request_id(request))


@api.exception_handler(RequestDataTooBig)
@api.exception_handler(TooManyFieldsSent)
@api.exception_handler(TooManyFilesSent)
def _on_too_much(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer what Django refuses to read."""
    return _on_own_error(request, TooLarge("The body is larger, or has more fields, than this route reads."))


@api.exception_handler(AuthenticationError)
def _on_no_authentication(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem_of(NotAuthenticated(), _request_id(request))


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name each field that does not fit; what was sent is not repeated."""
    sources = ("body", "query", "path", "form", "header")
    places = [
        {"field": ".".join(str(part) for part in item["loc"] if part not in sources),
         "message": item["msg"]}
        for item in error.errors
    ]  # fmt: skip
    detail = "The request does not fit this route."
    return problem(422, code="invalid", detail=detail, request_id=_request_id(request), invalid=places)


@api.exception_handler(HttpError)
def _on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    code = "malformed_json" if error.status_code == 400 else "http_error"
    return problem(error.status_code, code=code, detail=str(error), request_id=_request_id(request))


def _on_busy_database(request: HttpRequest, error: Exception) -> HttpResponse:
    refused = away.refusal(error)
    if refused is None:
        return _on_bug(request, error)
    logger.warning("request %s found no database: %s", _request_id(request), whereabouts(error))
    return problem_of(refused, _request_id(request))


for kind in away.ERRORS:
    api.exception_handler(kind)(_on_busy_database)


@api.exception_handler(Exception)
def _on_bug(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a bug without its text, which may hold secrets."""
    logger.error("request %s failed: %s", _request_id(request), whereabouts(error))
    detail = "The server failed."
    return problem(500, code="internal_error", detail=detail, request_id=_request_id(request))


@api.get("/health", auth=None, tags=["operations"])
@public
async def health(request: HttpRequest) -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "ok", "instantiated_at": STARTED_AT.isoformat()}


@api.get("/ready", auth=None, tags=["operations"])
@public
async def ready(request: HttpRequest) -> HttpResponse:
    """Say whether this process can serve: database, migrations, leases; and how old the last backup is."""
    import orjson

    checks = {**await readiness(), **await _backups()}
    well = all(check["ok"] for check in checks.values())
    body = orjson.dumps({"status": "ready" if well else "not ready", "checks": checks})
    return HttpResponse(body, status=200 if well else 503, content_type="application/json")


async def _backups() -> Checks:
    """Return how old backup and proved restore are; nothing while the database does not answer: that is told."""
    try:
        return {"backups": await in_thread(facts.readiness)}
    except DatabaseError:
        return {}


@api.get("/config", tags=["operations"])
@scope("config:read")
async def config(request: HttpRequest) -> dict[str, object]:
    """Return what a chat UI needs to start, in AgentOS's shape."""
    readable = seen.components(principal_of(request), "agent")
    agents = [
        {"id": spec.id, "name": spec.label, "description": spec.description, "db_id": "agentos"} for spec in readable
    ]
    prompts = {spec.id: list(spec.quick_prompts[:3]) for spec in readable}
    models = await tenant_models.current(principal_of(request).tenant_id)
    return {
        "os_id": "agentos",
        "name": "AgentOS",
        "description": "AgentOS in Django",
        "available_models": models.offered(),
        "sandbox": settings.USES_SANDBOX,
        "databases": ["agentos"],
        "agents": agents,
        "teams": [],
        "workflows": [],
        "interfaces": [],
        "chat": {"quick_prompts": prompts},
    }
