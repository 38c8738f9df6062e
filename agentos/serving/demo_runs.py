"""Plays the demo runs the way a user would: over HTTP, as the demo users, against whatever model is configured."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.models import Tenant
from agentos.serving.demo_rows import email_of
from agentos.serving.seeded import PASSWORD, TENANTS
from agentos.serving.visitor import ANSWER_SECONDS, Visitor, log_in
from agents.models import Run, Session
from governance.models import Approval

FINAL = frozenset({"COMPLETED", "CANCELLED", "ERROR"})


@dataclass(frozen=True)
class Scene:
    """One run of the demo: what the member says, and what becomes of the approval it asks for."""

    session: str
    name: str
    agent: str
    message: str
    decision: str = ""
    reason: str = ""
    sandbox_only: bool = False


SCENES = (
    Scene(
        "demo-refund-waiting",
        "Demo: a refund waits for approval",
        "approvals",
        "Process a $250 refund for customer C-1042, they were billed twice",
    ),
    Scene(
        "demo-refund-approved",
        "Demo: an approved refund",
        "approvals",
        "Process a $80 refund for customer C-2077, the parcel arrived broken",
        "approved",
        "Checked against the carrier's photos.",
    ),
    Scene(
        "demo-refund-rejected",
        "Demo: a rejected refund",
        "approvals",
        "Refund $1,900 to customer C-2210, the order never arrived",
        "rejected",
        "The carrier shows the parcel as delivered; ask for proof first.",
    ),
    Scene("demo-chat", "Demo: a finished chat", "helpdesk", "Our login page returns 503"),
    Scene("demo-restart", "Demo: a restart waits for its requester", "helpdesk", "Restart the auth service"),
    Scene(
        "demo-failed",
        "Demo: a failed run",
        "helpdesk",
        "Is the billing service up? [[fault:400]]",
        sandbox_only=True,
    ),
)


def play(base_url: str, tell: Callable[[str], None]) -> int:
    """Play every scene in every demo tenant, then mark the rows as demo; return the number of runs.

    Raises: ConfigError when the server does not answer as it should.
    """
    scenes = [scene for scene in SCENES if settings.SANDBOX_URL or not scene.sandbox_only]
    played: dict[str, list[tuple[Scene, str]]] = {}
    # Threads speak HTTP only; the ORM stays here.
    with ThreadPoolExecutor(len(TENANTS)) as pool:
        parts = {slug: pool.submit(_play_in, slug, base_url, scenes) for slug in TENANTS}
        for slug, part in parts.items():
            played[slug] = part.result()
            tell(f"{slug}: {len(played[slug])} demo runs")
    for slug, runs in played.items():
        _mark(slug, runs)
    return sum(len(runs) for runs in played.values())


def _play_in(slug: str, base_url: str, scenes: list[Scene]) -> list[tuple[Scene, str]]:
    runs = []
    member = log_in(base_url, email=email_of("member", slug), password=PASSWORD, tenant=slug)
    approver = log_in(base_url, email=email_of("approver", slug), password=PASSWORD, tenant=slug)
    for scene in scenes:
        said = {"message": scene.message, "session_id": scene.session, "stream": False}
        run_id = str(member.post(f"/api/agents/{scene.agent}/runs", said)["run_id"])
        if scene.decision:
            _decide(approver, run_id, scene)
            _wait_for_end(member, run_id)
        runs.append((scene, run_id))
    return runs


def _decide(approver: Visitor, run_id: str, scene: Scene) -> None:
    """Decide what the run waits for; a real model may have asked for nothing."""
    for row in approver.get(f"/api/approvals?run_id={run_id}&status=pending")["data"]:
        decision = {"status": scene.decision, "reason": scene.reason}
        approver.post(f"/api/approvals/{row['id']}/resolve", decision)


def _wait_for_end(member: Visitor, run_id: str) -> None:
    give_up_at = time.monotonic() + ANSWER_SECONDS
    while member.get(f"/api/runs/{run_id}")["status"] not in FINAL and time.monotonic() < give_up_at:
        time.sleep(0.1)


def _mark(slug: str, runs: list[tuple[Scene, str]]) -> None:
    tenant = Tenant.objects.using("system").get(slug=slug)
    ids = [run_id for _, run_id in runs]
    with transaction.atomic(using="system"):
        Run.objects.using("system").filter(tenant=tenant, root_id__in=ids).update(is_demo=True)
        Approval.objects.using("system").filter(tenant=tenant, run_id__in=ids).update(is_demo=True)
        for scene, run_id in runs:
            Session.objects.using("system").filter(tenant=tenant, runs__id=run_id).update(name=scene.name)
