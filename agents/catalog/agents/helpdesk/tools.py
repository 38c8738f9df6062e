"""What Helpdesk can do. The systems behind it are a demo back end and every result says so."""

from typing import Annotated, Literal

from pydantic import Field

from agentos.core.errors import ToolFailed
from agents.engine.tools import RunContext, tool
from agents.tools.reference import reference

DEMO = "(Recorded by the demo back end; nothing outside it was touched.)"
Line = Annotated[str, Field(min_length=1, max_length=120)]
Body = Annotated[str, Field(min_length=1, max_length=4000)]
Priority = Literal["low", "medium", "high", "urgent"]


@tool(effect="outward", repeat="once", level="confirm", says="Restart the {service_name} service")
async def restart_service(
    ctx: RunContext, service_name: Annotated[Line, Field(description="The service, e.g. auth")]
) -> str:
    """Restart a service. Its users are cut off for a moment."""
    job = reference("RST", ctx.idempotency_key, 5)
    return f"Restarted {service_name}, job {job}. {DEMO}"


@tool(
    effect="tenant",
    repeat="idempotent",
    level="input",
    input_fields=("priority",),
    says="Open a support ticket: {title}",
)
async def create_support_ticket(
    ctx: RunContext,
    title: Annotated[Line, Field(description="The issue in one line")],
    description: Annotated[Body, Field(description="What happens, since when, for whom")],
    priority: Annotated[Priority, Field(description="The user picks this")] = "medium",
) -> str:
    """Open a support ticket. The user chooses its priority before it is opened."""
    ticket = reference("TKT", ctx.idempotency_key, 4)
    return f'Opened {ticket}: "{title}", priority {priority}. {DEMO}'


@tool(level="external", reads="untrusted", says="Run this on your side and send back what it prints: {command}")
async def run_diagnostic(
    command: Annotated[str, Field(min_length=1, max_length=500, description="One read-only shell command")],
) -> str:
    """Have the user's own machine run one read-only diagnostic command and send back what it prints."""
    raise ToolFailed("Diagnostics run on the user's side; this server runs no commands.")
