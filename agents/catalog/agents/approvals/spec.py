"""Approvals: finance and compliance actions, some of which somebody else has to approve."""

from agents.catalog.agents.approvals.tools import (
    delete_user_account,
    export_customer_data,
    generate_report,
    process_refund,
)
from agents.engine.spec import AgentSpec, Model, text

approvals = AgentSpec(
    id="approvals",
    name="Approvals",
    description="Refunds, account deletions, data exports and reports, each behind the consent it needs.",
    model=Model.STRONG,
    instructions=text("instructions.md"),
    tools=(process_refund, delete_user_account, export_customer_data, generate_report),
    guards=("moderation", "injection", "secrets:redact"),
    output_guards=("secrets",),
    fixed_guards=("secrets",),
    quick_prompts=(
        "Process a $250 refund for customer C-1042, they were billed twice",
        "Export all data of customer C-3021 for a GDPR request",
        "Delete the user account U-7788",
    ),
)
