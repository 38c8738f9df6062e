"""Logs in one short line what Django refuses of a request, such as a foreign Host: a trace tells nobody anything."""

from __future__ import annotations

import logging
from typing import Final

MOST_CHARS: Final = 200  # of what is the client's own text in part


class InOneLine(logging.Filter):
    """Takes the trace from what Django reports as suspicious; lets all else pass as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.msg, record.args = record.getMessage()[:MOST_CHARS], ()
            record.exc_info = record.exc_text = None
        return True
