"""Errors, clock, ids and types: what every package may import. No Django."""
