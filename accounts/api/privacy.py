"""The routes `/api/privacy/...`: export, erasure, what is held of oneself, legal holds."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.auth import principal_of, scope, signed_in
from accounts.privacy import choices, holds, jobs, persons, retention
from accounts.privacy.models import LegalHold, PrivacyJob
from accounts.privacy.schemas import (
    AboutIn,
    ChoicesIn,
    EraseIn,
    HeldOut,
    HoldIn,
    HoldOut,
    JobOut,
    LimitIn,
    RetentionOut,
)
from accounts.seam import in_thread
from agentos.core.errors import Invalid
from agentos.core.types import JsonObject

router = Router(tags=["privacy"])


@router.post("/privacy/export", response={202: JobOut})
@signed_in
async def export(request: HttpRequest, body: AboutIn) -> PrivacyJob:
    """Make an archive of all that is held of oneself or, with `privacy:export`, of somebody else."""
    return await in_thread(jobs.request, principal_of(request), kind=jobs.EXPORT, about=body.user)


@router.post("/privacy/erase", response={202: JobOut})
@signed_in
async def erase(request: HttpRequest, body: EraseIn) -> PrivacyJob:
    """Erase oneself or, with `privacy:erase`, somebody else from this tenant, for good."""
    if not body.confirm:
        raise Invalid("Send `confirm: true`: an erasure can't be taken back.", code="not_confirmed")
    return await in_thread(jobs.request, principal_of(request), kind=jobs.ERASE, about=body.user)


@router.get("/privacy/jobs", response=list[JobOut])
@signed_in
async def list_jobs(request: HttpRequest) -> list[PrivacyJob]:
    """List the newest exports and erasures that one may see."""
    return await in_thread(jobs.newest, principal_of(request))


@router.get("/privacy/jobs/{job_id}", response=JobOut)
@signed_in
async def get_job(request: HttpRequest, job_id: UUID) -> PrivacyJob:
    """Say how far a job is; at its end with its receipt."""
    return await in_thread(jobs.find, principal_of(request), job_id)


@router.get("/privacy/jobs/{job_id}/archive")
@signed_in
async def get_archive(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Download what an export made, for a week."""
    data = await in_thread(jobs.archive, principal_of(request), job_id)
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="export-{job_id}.zip"'
    response["Cache-Control"] = "no-store"
    return response


@router.get("/privacy/me", response=HeldOut)
@signed_in
async def what_is_held(request: HttpRequest) -> JsonObject:
    """Say what this tenant holds of oneself."""
    return await _held(request)


@router.patch("/privacy/me", response=HeldOut)
@signed_in
async def correct(request: HttpRequest, body: ChoicesIn) -> JsonObject:
    """Correct one's name; opt out of memory and learning, or back in."""
    await in_thread(choices.change, principal_of(request), **body.dict())
    return await _held(request)


@router.get("/privacy/holds", response=list[HoldOut])
@scope("privacy:hold")
async def list_holds(request: HttpRequest) -> list[LegalHold]:
    """List the tenant's legal holds, the newest first."""
    return await in_thread(holds.newest, principal_of(request))


@router.post("/privacy/holds", response={201: HoldOut})
@scope("privacy:hold")
async def place_hold(request: HttpRequest, body: HoldIn) -> LegalHold:
    """Put a person or the whole tenant on hold: nothing of it is erased or expires."""
    user_id = await in_thread(persons.id_of, body.user) if body.user else None
    return await in_thread(holds.place, principal_of(request), user_id=user_id, reason=body.reason, until=body.until)


@router.delete("/privacy/holds/{hold_id}", response={204: None})
@scope("privacy:hold")
async def lift_hold(request: HttpRequest, hold_id: UUID) -> None:
    """Lift a hold; the row stays as a record."""
    await in_thread(holds.lift, principal_of(request), hold_id=hold_id)


@router.get("/privacy/retention", response=list[RetentionOut])
@scope("privacy:retention")
async def list_retentions(request: HttpRequest) -> list[JsonObject]:
    """Say how long rows stay in this tenant, by the retentions of the data map."""
    return await in_thread(retention.overview, principal_of(request))


@router.put("/privacy/retention/{name}", response=list[RetentionOut])
@scope("privacy:retention")
async def limit_retention(request: HttpRequest, name: str, body: LimitIn) -> list[JsonObject]:
    """Shorten a retention for this tenant; `days: null` takes that back."""
    await in_thread(retention.limit, principal_of(request), retention=name, days=body.days)
    return await in_thread(retention.overview, principal_of(request))


async def _held(request: HttpRequest) -> JsonObject:
    principal = principal_of(request)
    known = await in_thread(choices.held, principal)
    names = ("email", "name", "memory", "learning", "rows", "retention", "on_hold")
    return {"user": principal.user_id, **{name: getattr(known, name) for name in names}}
