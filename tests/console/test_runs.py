"""The pages of runs and sessions through Django's test client, and that nobody changes what they show."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.urls import reverse

from agents.models import Run, SessionSummary, Step
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, change_url, page


def summed_up(run: Run) -> Run:
    """Leave the job that summed up a run's session, and the summary, as the engine does."""
    job = Run(
        tenant_id=run.tenant_id, user_id=run.user_id, session_id=run.session_id, component_kind="job",
        component_id="session-summary", model="fast", status="completed", input="Said since: ...",
        created_at=run.created_at, ended_at=run.created_at,
    )  # fmt: skip
    job.root_id = job.id
    job.save(using="system")
    SessionSummary.objects.using("system").create(
        tenant_id=run.tenant_id, user_id=run.user_id, session_id=run.session_id, made_by=job, until_id=run.id,
        until_at=run.created_at, runs=5, text="The user <b>wants</b> a refund.", created_at=run.created_at,
    )  # fmt: skip
    return job


class TestRuns:
    def test_the_run_shows_its_steps_and_what_it_waits_for(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval = ask(acme)
        text = page(signed_in(acme.approver).get(reverse("admin:agents_run_change", args=[approval.run_id])))
        for part in ("process_refund", "someone else has to approve it", "I ask for an approval.", "7 tokens"):
            assert part in text
        assert f"run__id__exact={approval.run_id}" in text
        assert "<title> Refund C-1042 |" in " ".join(text.split())
        assert 'data-testid="request-link"' not in text
        step = Step.objects.using("system").get(run=approval.run_id, path="1.0")
        step.request["requirement"]["approval_id"] = str(approval.id)
        step.save(using="system")
        text = page(signed_in(acme.approver).get(reverse("admin:agents_run_change", args=[approval.run_id])))
        assert f'href="{change_url(approval)}" data-testid="request-link"' in text

    def test_a_long_message_and_answer_leave_the_trace_in_sight(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        run = ask(acme).run
        url, runs = reverse("admin:agents_run_change", args=[run.id]), Run.objects.using("system").filter(id=run.id)
        runs.update(input="A" * 5_000, output="B" * 5_000)
        text = page(signed_in(acme.member).get(url))
        before = text[: text.index('data-testid="whole-message"')]
        assert "A" * 239 + "\u2026</h2>" in before
        assert "A" * 241 not in before.split("<h2", 1)[1]
        assert "A" * 5_000 in text
        assert "B" * 1_199 + "\u2026</p>" in text
        assert "B" * 5_000 in text[text.index('data-testid="whole-answer"') :]
        runs.update(input="A" * 240, output="B" * 1_200)
        text = page(signed_in(acme.member).get(url))
        assert "whole-message" not in text
        assert "whole-answer" not in text

    def test_the_run_says_why_it_asks_again(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        step = Step.objects.using("system").get(run=ask(acme).run_id, path="1.0")
        step.request["requirement"]["asked_again"] = "The tool process_refund has changed: `currency` came."
        step.save(using="system")
        text = page(signed_in(acme.approver).get(reverse("admin:agents_run_change", args=[step.run_id])))
        assert "asked again: The tool process_refund has changed: `currency` came." in text

    def test_a_step_that_nobody_has_to_reconcile_is_shown_within_its_run(
        self, acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        step = Step.objects.using("system").get(run=ask(acme).run_id, path="1.0")
        url = reverse("admin:agents_step_change", args=[step.id])
        place = f"{reverse('admin:agents_run_change', args=[step.run_id])}#step-{step.id}"
        for user in (acme.admin, acme.auditor, acme.member):
            answer = signed_in(user).get(url)
            assert (answer.status_code, answer.headers["Location"]) == (302, place)
            assert f'id="step-{step.id}"' in page(signed_in(user).get(place))
        for stranger in (acme.viewer, globex.admin):
            assert signed_in(stranger).get(url).status_code in (403, 404)
        for unknown in (step.run_id, "nothing"):
            assert signed_in(acme.admin).get(url.replace(str(step.id), str(unknown))).status_code == 404

    def test_the_run_shows_what_it_cost_and_says_when_nobody_pays(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        run = ask(acme).run
        url, runs = reverse("admin:agents_run_change", args=[run.id]), Run.objects.using("system").filter(id=run.id)
        client = signed_in(acme.member)
        assert "a model without a known price" in page(client.get(url))
        runs.update(cost_usd="0.00012500")
        shown = page(client.get(url))
        assert "$0.000125" in shown
        assert "play money" not in shown
        runs.update(model="sandbox-strong")
        assert "play money" in page(client.get(url))

    def test_members_see_their_own_runs_only(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        url = reverse("admin:agents_run_change", args=[ask(acme).run_id])
        assert signed_in(acme.member).get(url).status_code == 200
        assert signed_in(acme.viewer).get(url).status_code == 404

    def test_the_session_shows_the_conversation(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        session_id: UUID = ask(acme).run.session_id
        text = page(signed_in(acme.member).get(reverse("admin:agents_session_change", args=[session_id])))
        assert "Refund C-1042" in text
        assert "Steps of this run" in text

    def test_background_work_is_shown_apart_and_to_those_who_see_all_runs(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        job = summed_up(ask(acme).run)
        runs, mine = "/admin/agents/run/", f"/admin/agents/run/{job.id}/change/"
        operator, member = signed_in(acme.operator), signed_in(acme.member)
        assert "Said since" not in page(operator.get(runs))
        assert "Said since" in page(operator.get(f"{runs}?tab=background"))
        assert "Background work <b>session-summary</b>" in page(operator.get(mine))
        assert 'data-testid="tab-background"' not in page(member.get(runs))
        assert "Said since" not in page(member.get(f"{runs}?tab=background"))
        assert member.get(mine).status_code == 404

    def test_the_session_shows_its_newest_summary(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        run = ask(acme).run
        session = f"/admin/agents/session/{run.session_id}/change/"
        assert "session-summary" not in page(signed_in(acme.member).get(session))
        summed_up(run)
        text = page(signed_in(acme.member).get(session))
        assert "Summary of the first 5 runs" in text
        assert "The user &lt;b&gt;wants&lt;/b&gt; a refund." in text
        assert "Said since" not in text
        assert ", 1 run, begun" in text

    @pytest.mark.parametrize("model", ["agents/run", "agents/session", "governance/approval"])
    def test_nobody_adds_changes_or_deletes_what_the_machine_owns(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn, model: str
    ) -> None:
        approval, client = ask(acme), signed_in(acme.admin)
        ids = {"agents/run": approval.run_id, "agents/session": approval.run.session_id}
        row = ids.get(model, approval.id)
        assert client.get(f"/admin/{model}/add/").status_code == 403
        assert client.get(f"/admin/{model}/{row}/delete/").status_code == 403
        assert client.post(f"/admin/{model}/{row}/change/", {}).status_code == 405
        assert client.get(f"/admin/{model}/").status_code == 200
        assert client.get(f"/admin/{model}/not-an-id/change/").status_code == 404
