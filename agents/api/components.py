"""The routes of what can be run: agents, and all that the installed apps ship."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from accounts.auth import any_scope, principal_of, scope
from accounts.principals import Principal
from agentos.core.types import JsonObject
from agents import seen
from agents.engine.spec import AgentSpec
from agents.registry import registry
from agents.schemas import AgentOut
from agents.services import tenant_models
from agents.services.tenant_models import TenantModels

router = Router(tags=["runs"])


@router.get("/agents", response=list[AgentOut])
@any_scope("agents", "read")
async def list_agents(request: HttpRequest) -> list[JsonObject]:
    """List the agents that one may read."""
    principal = principal_of(request)
    models = await tenant_models.current(principal.tenant_id)
    return [_agent(spec, principal, models) for spec in seen.components(principal, "agent")]


@router.get("/agents/{agent_id}", response=AgentOut)
@scope("agents:{agent_id}:read")
async def get_agent(request: HttpRequest, agent_id: str) -> JsonObject:
    """Describe one agent."""
    principal = principal_of(request)
    return _agent(registry.get("agent", agent_id), principal, await tenant_models.current(principal.tenant_id))


@router.get("/registry")
@scope("registry:read")
async def list_registry(request: HttpRequest, resource_type: str = "") -> JsonObject:
    """List what the installed apps ship: the components and tools that one may use."""
    readable = seen.components(principal_of(request))
    components = [
        {"resource_type": spec.kind, "id": spec.id, "name": spec.label, "description": spec.description}
        for spec in readable
    ]
    tools = [
        {
            "resource_type": "tool",
            "id": tool.name,
            "name": tool.name,
            "description": tool.description,
            "level": tool.level.value,
            "effect": tool.effect,
            "repeat": tool.repeat,
            "component_id": spec.id,
        }
        for spec in readable
        for tool in seen.tools(principal_of(request), spec)
    ]
    rows: list[Any] = [row for row in [*components, *tools] if resource_type in ("", row["resource_type"])]
    meta = {"page": 1, "limit": len(rows), "total_pages": 1, "total_count": len(rows), "search_time_ms": 0}
    return {"data": rows, "meta": meta}


def _agent(spec: AgentSpec, principal: Principal, models: TenantModels) -> JsonObject:
    tools = [
        {"name": tool.name, "description": tool.description, "level": tool.level.value}
        for tool in seen.tools(principal, spec)
    ]
    return {
        "id": spec.id,
        "name": spec.label,
        "description": spec.description,
        "model": {"id": models.name_of(spec.model), "provider": "openai"},
        "tools": {"tools": tools},
        "quick_prompts": list(spec.quick_prompts),
        "metadata": {"sandbox": settings.USES_SANDBOX},
    }
