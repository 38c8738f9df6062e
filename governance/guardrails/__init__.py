"""Guardrails: what may enter the model and what may leave it. Pure functions over text, without Django."""
