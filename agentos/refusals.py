"""What Django's log lines of a request may say: what it refuses in one short line, and no invitation's link."""

from __future__ import annotations

import logging
import re
from typing import Final

MOST_CHARS: Final = 200  # of what is the client's own text in part
_LINK: Final = re.compile(r"(/accounts/invitation/)[^/\s]+")  # whoever has it may join


class InOneLine(logging.Filter):
    """Takes the trace from what Django reports as suspicious, which tells nobody anything."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.msg, record.args = record.getMessage()[:MOST_CHARS], ()
            record.exc_info = record.exc_text = None
        return True


class WithoutLinks(logging.Filter):
    """Leaves out of an address what opens by being known."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.") and "/invitation/" in (said := record.getMessage()):
            record.msg, record.args = _LINK.sub(r"\1...", said), ()
        return True
