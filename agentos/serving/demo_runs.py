"""Plays the demo runs the way a user would: over HTTP, as the demo users, against whatever model is configured."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts.models import Tenant
from accounts.tenancy import tenant_scope
from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject
from agentos.serving.banner import PASSWORD, TENANTS
from agentos.serving.demo_rows import email_of
from agents.models import Run, Session
from governance.models import Approval

ANSWER_SECONDS = 60.0
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


@dataclass
class Visitor:
    """A demo user at the API of a running server."""

    base_url: str
    email: str
    tenant: str
    _token: str = field(default="", repr=False)

    def get(self, path: str) -> JsonObject:
        return self._call(path, None)

    def post(self, path: str, body: JsonObject) -> JsonObject:
        return self._call(path, body)

    def log_in(self) -> Visitor:
        said = {"email": self.email, "password": PASSWORD, "tenant": self.tenant}
        self._token = str(self._call("/api/auth/token", said)["access"])
        return self

    def _call(self, path: str, body: JsonObject | None) -> JsonObject:
        request = urllib.request.Request(  # noqa: S310 - the base URL comes from `serve`
            f"{self.base_url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        if not self._token:
            request.remove_header("Authorization")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as response:
                found: Any = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(500).decode("utf-8", "replace")
            raise ConfigError(f"seed: {path} answered {error.code}: {text}") from None
        except OSError as error:
            raise ConfigError(f"seed: {self.base_url} does not answer ({error}): start the server.") from None
        return dict(found)


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
    member = Visitor(base_url, email_of("member", slug), slug).log_in()
    approver = Visitor(base_url, email_of("approver", slug), slug).log_in()
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
    with tenant_scope(tenant.id):
        Run.objects.filter(root_id__in=ids).update(is_demo=True)
        Approval.objects.filter(run_id__in=ids).update(is_demo=True)
        for scene, run_id in runs:
            Session.objects.filter(runs__id=run_id).update(name=scene.name)
