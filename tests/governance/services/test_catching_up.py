"""Endpoints that come late, over real HTTP on loopback: they are told once of the requests that waited before."""

from __future__ import annotations

import orjson
from django.db.models.functions import Now

from accounts.principals import Principal
from governance.models import Approval, Kind
from governance.services import endpoints, outbox
from tests.conftest import TenantWithUsers
from tests.governance.channels.receivers import WebServer
from tests.governance.conftest import MakeWaiting
from tests.governance.services.outbox import admin as admin
from tests.governance.services.outbox import send_all, webhook
from tests.governance.services.outbox import web as web


def catch_up() -> int:
    """Do what the tick does, in its order, and send what is due."""
    outbox.spread()
    count = outbox.catch_up()
    send_all()
    return count


def told(web: WebServer) -> list[str]:
    return [orjson.loads(posted.body)["data"]["approval_id"] for posted in web.got]


class TestCatchingUp:
    """An endpoint is told of the requests that waited before it was there, once."""

    def test_a_new_one_is_told_of_what_waits_and_of_nothing_else(
        self,
        acme: TenantWithUsers,
        globex: TenantWithUsers,
        make_waiting: MakeWaiting,
        admin: Principal,
        web: WebServer,
    ) -> None:
        waits, done, over, theirs = make_waiting(acme), make_waiting(acme), make_waiting(acme), make_waiting(globex)
        Approval.objects.using("system").filter(id=done.approval.id).update(status="rejected")
        Approval.objects.using("system").filter(id=over.approval.id).update(expires_at=Now())
        outbox.spread()
        webhook(admin, web)
        assert catch_up() == 1
        assert told(web) == [str(waits.approval.id)]
        assert str(theirs.approval.id) not in told(web)
        assert catch_up() == 0
        assert len(web.got) == 1

    def test_one_that_is_on_again_is_told_of_what_it_missed(
        self, acme: TenantWithUsers, make_waiting: MakeWaiting, admin: Principal, web: WebServer
    ) -> None:
        endpoint = webhook(admin, web).endpoint
        first = make_waiting(acme)
        catch_up()
        assert told(web) == [str(first.approval.id)]
        missed = make_waiting(acme)
        outbox.spread()
        endpoints.change(admin, endpoint_id=endpoint.id, is_active=False)
        catch_up()  # what was to be sent is dropped
        later = make_waiting(acme)
        catch_up()
        assert len(web.got) == 1
        endpoints.change(admin, endpoint_id=endpoint.id, is_active=True)
        catch_up()
        assert sorted(told(web)[1:]) == sorted([str(missed.approval.id), str(later.approval.id)])
        endpoints.change(admin, endpoint_id=endpoint.id, tells_effect=True)
        assert catch_up() == 0
        assert len(web.got) == 3

    def test_one_that_asks_for_requests_only_later_is_told_then(
        self, acme: TenantWithUsers, make_waiting: MakeWaiting, admin: Principal, web: WebServer
    ) -> None:
        endpoint = webhook(admin, web, [Kind.HALTED]).endpoint
        waits = make_waiting(acme)
        catch_up()
        assert web.got == []
        endpoints.change(admin, endpoint_id=endpoint.id, kinds=["approval.requested"])
        catch_up()
        assert told(web) == [str(waits.approval.id)]
