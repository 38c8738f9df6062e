"""Makes the labelled texts in `governance/guardrails/data`; run `python -m tests.governance.guardrails.labelled`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.governance.guardrails.labelled import credentials, orders, personal
from tests.governance.guardrails.labelled.writing import Labelled, lines

FILES: dict[str, Callable[[], Iterator[Labelled]]] = {
    "pii.jsonl": personal.samples,
    "secrets.jsonl": credentials.samples,
    "injection.jsonl": orders.samples,
}


def written(name: str) -> str:
    """Return what a labelled file should hold."""
    return "".join(lines(FILES[name](), veiled=name == "secrets.jsonl"))
