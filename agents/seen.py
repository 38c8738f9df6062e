"""What of the registry a principal is shown: the components she may read, the tools she may call."""

from __future__ import annotations

from accounts.principals import Principal
from agents.engine.tools import Tool
from agents.registry import Component, registry

OVERSEES = "policies:read"  # whoever reads policies sees every tool that they govern


def components(principal: Principal, kind: str = "") -> list[Component]:
    """Return the components that she may read, of one kind or of all."""
    known = (spec for spec in registry.all() if kind in ("", spec.kind))
    return [spec for spec in known if principal.has(f"{spec.kind}s:{spec.id}:read")]


def tools(principal: Principal, spec: Component) -> list[Tool]:
    """Return the component's tools that she may call, or all of them for whoever oversees."""
    if principal.has(OVERSEES):
        return list(spec.tools)
    return [tool for tool in spec.tools if principal.has(f"tools:{tool.name}:call")]
