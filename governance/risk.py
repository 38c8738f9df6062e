"""How much harm a call could do: from what its tool declares and how it came about, never typed by hand."""

from __future__ import annotations

from typing import Final

from agentos.core.errors import NotFound
from agents.registry import registry
from governance.models import Approval

TOGETHER_MOST: Final = 50


def is_low(approval: Approval) -> bool:
    """Tell whether a call stays within the tenant, can be made again, takes one person's yes and read no strangers.

    The row comes from `selectors.visible`. A tool that is gone, or a call whose step is, is never of low risk.
    """
    is_clean = getattr(approval, "step_state", None) is not None and not getattr(approval, "step_tainted_by", True)
    if not is_clean or approval.quorum != 1 or approval.reasoned:
        return False
    try:
        tool = registry.get(approval.run.component_kind, approval.run.component_id).tool(approval.tool_name)
    except NotFound:
        return False
    return tool is not None and tool.effect != "outward" and tool.repeat != "once"
