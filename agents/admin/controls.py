"""What people do to a run on its page: pause it, let it go on, cancel it, run it again, fork it from a step.

Each is a POST form that calls the services of the API; they check every right again. Those that guard a text wait for
the guards outside any transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts.console import outside_scope, page_scope, principal_of, scope_of
from accounts.principals import Principal
from accounts.showing import visible
from agentos.core.errors import CallerError, NotFound
from agentos.core.types import JsonObject
from agentos.problems import status_of
from agents import selectors, steering
from agents.engine.status import RunStatus
from agents.models import Run, Step
from agents.records import OwnRowsAdmin
from agents.services import forks, pauses, reruns, runs
from agents.services.forks import Fork
from agents.wiring import runtime

CHANGES = ("message", "instructions", "model", "tool_result")


@dataclass(frozen=True, slots=True)
class Control:
    """A service that a button calls, and what the page says when it is done."""

    service: Callable[..., None]
    done: str


CONTROLS = {
    "pause": Control(pauses.pause, "The run stops before its next step."),
    "unpause": Control(pauses.unpause, "The run goes on."),
    "cancel": Control(runs.request_cancel, "The run is cancelled; what works on it stops within seconds."),
}


@dataclass(frozen=True, slots=True)
class Controls:
    """Which buttons a run's page shows. `no_rerun` says why a failed run can't be run again."""

    pause: bool = False
    unpause: bool = False
    cancel: bool = False
    rerun: bool = False
    no_rerun: str = ""


def controls_of(principal: Principal, run: Run, steps: list[Step]) -> Controls:
    """Return what she may do to the run as it stands; the services check it again."""
    if not runs.may_touch(principal, run, "run") or not principal.has(runs.scope_of(run, "run")):
        return Controls()
    if run.status == RunStatus.ERROR:
        obstacle = reruns.obstacle(run, steps)
        return Controls(rerun=not obstacle, no_rerun=obstacle)
    if RunStatus(run.status).is_final or run.cancel_requested:
        return Controls()
    return Controls(pause=not run.pause_requested, unpause=run.pause_requested, cancel=True)


class RunControls(OwnRowsAdmin):
    """The views behind the buttons of a run's page."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponse]] = {
            name: partial(self.control_view, name=name) for name in CONTROLS
        }
        own = [
            path(f"<uuid:run_id>/{name}/", self.admin_site.admin_view(view), name=f"agents_run_{name}")
            for name, view in {**views, "rerun": self.rerun_view}.items()
        ]
        fork = self.admin_site.admin_view(self.fork_view)
        return [*own, path("<uuid:run_id>/fork/<uuid:step_id>/", fork, name="agents_run_fork"), *super().get_urls()]

    def control_view(self, request: HttpRequest, run_id: UUID, name: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.record(request, run_id)
        try:
            CONTROLS[name].service(principal=principal_of(request), run_id=run_id)
        except CallerError as error:
            return self.refused(request, self.record(request, run_id), error)
        messages.success(request, CONTROLS[name].done)
        return HttpResponseRedirect(reverse("admin:agents_run_change", args=[run_id]))

    @outside_scope
    def rerun_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with scope_of(request):
            self.record(request, run_id)
        try:
            made, _ = async_to_sync(steering.rerun)(runtime(), principal_of(request), run_id)
        except CallerError as error:
            with page_scope(request):
                return self.refused(request, self.record(request, run_id), error).render()
        messages.success(request, "This run goes on where the failed one ended.")
        return HttpResponseRedirect(reverse("admin:agents_run_change", args=[made]))

    @outside_scope
    def fork_view(self, request: HttpRequest, run_id: UUID, step_id: UUID) -> HttpResponse:
        """Show the form of a fork, and make it by POST."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if request.method != "POST":
            return self._fork_page(request, run_id, step_id)
        said = {name: request.POST.get(name, "") for name in CHANGES}
        try:
            wanted = Fork(str(step_id), **{name: text if text.strip() else None for name, text in said.items()})
            made, _ = async_to_sync(steering.fork)(runtime(), principal_of(request), run_id, wanted)
        except CallerError as error:
            return self._fork_page(request, run_id, step_id, said, error)
        messages.success(request, "This run was forked from the earlier one, and goes on from there.")
        return HttpResponseRedirect(reverse("admin:agents_run_change", args=[made]))

    def _fork_page(
        self,
        request: HttpRequest,
        run_id: UUID,
        step_id: UUID,
        said: JsonObject | None = None,
        error: CallerError | None = None,
    ) -> HttpResponse:
        principal = principal_of(request)
        with page_scope(request):
            run = self.record(request, run_id)
            steps = list(selectors.steps_of(principal, run).order_by("seq", "id"))
            start = next((step for step in steps if step.pk == step_id), None)
            if start is None or isinstance(error, NotFound):
                raise Http404
            place = forks.place(run, steps, start)
            context = {
                "run": run,
                "step": start,
                "place": place,
                "obstacle": forks.obstacle(principal, run) or place.obstacle,
                "models": forks.models(run),
                "may_instruct": forks.may_instruct(principal, run),
                "said": said or {},
                "problem": error.detail if error else "",
                "crumb": visible(f"Fork from step {start.path}"),
            }
            status = status_of(error) if error else 200
            return self.shown(request, run, "agents/run/fork.html", context, status).render()
