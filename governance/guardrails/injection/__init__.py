"""Orders to the model in a text."""

from governance.guardrails.injection.detecting import detect

__all__ = ["detect"]
