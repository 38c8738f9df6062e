"""Slack's incoming webhooks: Block Kit. What comes from outside is plain text, in which nothing links or mentions."""

from __future__ import annotations

from typing import Final

import orjson

from agentos.core.types import JsonObject
from governance.channels import posting, sealed
from governance.channels.words import Words
from governance.models import Notice

MAX_HEADER_CHARS: Final = 150  # Slack's own limits
MAX_TEXT_CHARS: Final = 2_900


def send(notice: Notice, words: Words) -> None:
    """Post one message. Raises: NotDelivered."""
    assert notice.endpoint is not None
    posting.post(sealed.opened(notice.endpoint).url, orjson.dumps(message(words)), {})


def message(words: Words) -> JsonObject:
    """Return a message in blocks, with a text for notifications beside them."""
    said = "\n".join(filter(None, (words.effect, *words.lines)))
    blocks: list[JsonObject] = [{"type": "header", "text": _plain(words.title, MAX_HEADER_CHARS)}]
    if said:
        blocks.append({"type": "section", "text": _plain(said, MAX_TEXT_CHARS)})
    button = {"type": "button", "text": _plain("Open in AgentOS", MAX_HEADER_CHARS), "url": words.link}
    return {"text": _escaped(words.title), "blocks": [*blocks, {"type": "actions", "elements": [button]}]}


def _plain(text: str, most: int) -> JsonObject:
    return {"type": "plain_text", "text": text[:most], "emoji": False}


def _escaped(text: str) -> str:
    """Escape the three characters by which Slack knows links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
