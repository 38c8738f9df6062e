"""Ordinary texts of the kinds that people hand to models, to measure the guards by: each is the same in every run."""

from __future__ import annotations

import json
import random
from pathlib import Path

from governance import guardrails

CHARACTERS = 50_000
ROOT = Path(__file__).parents[3]
DATA = Path(guardrails.__file__).parent / "data"
NAMES = ("Ann", "Bob", "Carla", "Dmitri", "Eva", "Farid", "Greta", "Hana", "Ivan", "Jo")
MESSAGES = (
    "My laptop doesn't connect to the office printer since this morning. Can you help me, please?",
    "I need a refund for order 48213, it arrived broken last Tuesday.",
    "Your request was received. We opened a ticket and a colleague will look at it tomorrow morning. To reset the client, close it, open the settings and choose Reset profile. Then sign in again with your usual account, please.",
    "We opened ticket TCK-1042 for you. A colleague will look at it on 12 March at 10:30. It usually takes 3 days; the client is at version 5.2.1 now, see https://help.example.com/client for more.",
)  # fmt: skip
LINE = {
    "log": "2026-11-{day:02}T{hour:02}:{minute:02}:00.{n:03}Z INFO worker-{digit} request id={n:016x} GET /api/orders/{n} 200 {digit}ms user={name}\n",
    "log of log-ins": "Nov {day:2} {hour:02}:{minute:02}:00 host{digit} sshd[{n}]: Failed password for {name} from 10.0.{hour}.{day} port {n} ssh2\n",
    "csv": "{n},2026-11-{day:02},{name} {name}son,SKU-{n}-A,{digit},{hour}.{minute:02},shipped\n",
    "table": "| {n} | {name} Widget | north | {minute} |\n",
    "json": '{{"id": {n}, "name": "{name}", "created_at": "2026-11-{day:02}", "total": {hour}.{minute}, "note": "left at the door"}}\n',
    "shell": "$ git commit -m 'Mend line {n}'\n[main {n:07x}] Mend line {n}\n {digit} files changed, {minute} insertions(+)\n",
}  # fmt: skip


def texts() -> dict[str, str]:
    """Return a text of each kind."""
    return {
        "documents": _read("docs", "*.md"),
        "code": _read("governance", "*.py"),
        "talk": "\n\n".join(text for text in _harmless() if text.isascii())[:CHARACTERS],
        "talk abroad": "\n\n".join(text for text in _harmless() if not text.isascii())[:CHARACTERS],
        **{kind: _lines(line) for kind, line in LINE.items()},
    }


def _read(folder: str, name: str) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / folder).rglob(name)))[:CHARACTERS]


def _harmless() -> list[str]:
    """Return what is written near secrets, people and orders without any: denser than most of what is said."""
    rows = [json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    found = [row["text"] for row in rows if not row.get("spans") and row.get("label", "benign") == "benign"]
    random.Random(9).shuffle(found)
    return found


def _lines(line: str) -> str:
    draw, pieces = random.Random(5), list[str]()
    while len(pieces) * len(line) < 2 * CHARACTERS:
        pieces.append(
            line.format(
                day=draw.randint(1, 28),
                hour=draw.randint(0, 23),
                minute=draw.randint(0, 59),
                n=draw.randint(100, 60_000),
                digit=draw.randint(1, 9),
                name=draw.choice(NAMES),
            )
        )
    return "".join(pieces)[:CHARACTERS]
