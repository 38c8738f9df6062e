"""Credentials in a text."""

from governance.guardrails.secrets.detecting import DETECTOR, detect

__all__ = ["DETECTOR", "detect"]
