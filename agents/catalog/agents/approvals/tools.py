"""What Approvals can do. The systems behind it are a demo back end and every result says so."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from agents.engine.tools import RunContext, tool
from agents.tools.reference import reference

DEMO = "(Recorded by the demo back end; nothing outside it was touched.)"
Id = Annotated[str, Field(min_length=1, max_length=64)]
CustomerId = Annotated[Id, Field(description="Such as C-1042; ALL for every customer")]
Usd = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, description="In US dollars")]
Line = Annotated[str, Field(min_length=1, max_length=300)]


async def refund_preview(customer_id: str, amount: Decimal) -> dict[str, str]:
    """Say what the customer's account would show after a refund."""
    digits = int("".join(filter(str.isdigit, reference("ACC", customer_id, 5))))
    paid = Decimal(digits % 2_400 + 100)
    back = min(paid, Decimal(digits % 3) * 40)
    after = back + amount
    return {
        "paid in the last 90 days": f"${paid:.2f}",
        "refunded in the last 90 days": f"${back:.2f}",
        "refunded after this": f"${after:.2f}" + (", more than was paid" if after > paid else ""),
        "source": "the demo back end",
    }


@tool(
    effect="outward",
    repeat="once",
    level="approve",
    says="Refund ${amount:.2f} to {customer_id}",
    preview=refund_preview,
)
async def process_refund(ctx: RunContext, customer_id: CustomerId, amount: Usd, reason: Line) -> str:
    """Pay money back to a customer. Somebody else has to approve it."""
    number = reference("REF", ctx.idempotency_key, 5)
    return f"Refund {number}: ${amount:.2f} to {customer_id} is booked ({reason}). {DEMO}"


@tool(effect="outward", repeat="once", level="approve", says="Delete the account {user_id} for good")
async def delete_user_account(ctx: RunContext, user_id: Annotated[Id, Field(description="Such as U-7788")]) -> str:
    """Delete a user's account for good. Somebody else has to approve it."""
    number = reference("DEL", ctx.idempotency_key, 5)
    return f"Deletion {number}: the account {user_id} is closed. {DEMO}"


@tool(effect="outward", repeat="idempotent", level="confirm", says="Export all data held on {customer_id}")
async def export_customer_data(ctx: RunContext, customer_id: CustomerId) -> str:
    """Export everything held on a customer, e.g. for a data subject's request. Confirmed and audited."""
    number = reference("EXP", ctx.idempotency_key, 5)
    return f"Export {number} for {customer_id} is ready: profile, orders, invoices, tickets. {DEMO}"


@tool(level="confirm", says="Generate the {report_type} report for {period}")
async def generate_report(
    ctx: RunContext,
    report_type: Annotated[Id, Field(description="revenue, refunds, churn, compliance")],
    period: Annotated[Id, Field(description="Such as 2026-Q1 or last month")],
) -> str:
    """Generate a finance or compliance report for a period. Confirmed and audited."""
    number = reference("RPT", ctx.idempotency_key, 5)
    return f"Report {number} is ready: {report_type}, {period}. {DEMO}"
