"""Personal data in a text."""

from governance.guardrails.pii.detecting import DETECTOR, detect

__all__ = ["DETECTOR", "detect"]
