"""Writes the labelled files anew."""

from __future__ import annotations

from pathlib import Path

from tests.governance.guardrails.labelled import FILES, written

DATA = Path(__file__).parents[4] / "governance/guardrails/data"

if __name__ == "__main__":
    for name in FILES:
        (DATA / name).write_text(written(name), encoding="utf-8")
