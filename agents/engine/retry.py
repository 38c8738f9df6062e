"""How long to wait before a failed model call is asked again."""

from __future__ import annotations

import random

BASE_SECONDS = 0.5
CAP_SECONDS = 20.0
MAX_RETRY_AFTER_SECONDS = 60.0

_random = random.Random()


def delay_seconds(attempt: int, retry_after_seconds: float | None = None, rng: random.Random | None = None) -> float:
    """Return the wait after failed attempt number `attempt` (from 1): exponential with full jitter, capped.

    A provider's own wish is kept to, up to MAX_RETRY_AFTER_SECONDS, and spread by up to a tenth, so that
    callers who were refused together do not come back together.
    """
    draw = rng or _random
    if retry_after_seconds is not None and retry_after_seconds > 0:
        return min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS) * draw.uniform(1.0, 1.1)
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(max(attempt, 1) - 1, 16))
    return draw.uniform(0.0, ceiling)
