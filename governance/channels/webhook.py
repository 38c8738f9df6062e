"""Signed webhooks, as the Standard Webhooks specification says: the id stays the same when one is sent again."""

from __future__ import annotations

import orjson
from standardwebhooks import Webhook

from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.types import JsonObject
from governance.channels import posting, sealed
from governance.channels.words import Words
from governance.models import Notice


def send(notice: Notice, words: Words) -> None:
    """Post one event, signed with the endpoint's secrets. Raises: NotDelivered."""
    assert notice.endpoint is not None
    endpoint, at = sealed.opened(notice.endpoint), utc_now()
    body = orjson.dumps(event(notice, words))
    name = f"msg_{notice.id.hex}"
    signatures = [Webhook(secret).sign(name, at, body.decode()) for secret in endpoint.secrets]
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    posting.post(endpoint.url, body, headers)


def event(notice: Notice, words: Words) -> JsonObject:
    """Return {type, timestamp, data}: ids, a link, and in words what a call does where the endpoint is told."""
    data: JsonObject = {**words.ids, "tenant_id": str(notice.tenant_id), "link": words.link}
    if words.effect:
        data["effect_text"] = words.effect
    return {"type": words.kind.value, "timestamp": rfc3339_ms(notice.announcement.created_at), "data": data}
