"""Writes the data map down for people: `docs/data-map.md`."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.privacy.datamap import RETENTIONS, DataClass, Fate, Subject, Table, tables

_HEAD = """# What is held about whom

Made by `manage.py data_map --write` from each app's `data_map.py`; a test fails when it is behind.

Every field has a class. `none` tells nothing of a person (ids are pseudonyms); `personal` says who she is or what she
did; `sensitive` is what she said or was told; `secret` opens something and is shown to nobody. Fields that are not
named in a table's row are of class `none`.
"""
_FATES = {
    Fate.DELETE: "row deleted",
    Fate.BLANK: "emptied",
    Fate.SHRED: "key shredded",
    Fate.ID: "id stays as a pseudonym",
}


def document() -> str:
    lines = [_HEAD, "| table | personal | sensitive | secret | subject, and what erasure does | stays |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [_row(table) for table in sorted(tables(), key=lambda table: table.name)]
    lines += ["", "| how long | |", "|---|---|"]
    lines += [f"| `{rule.name}` | {rule.says} |" for rule in RETENTIONS.values()]
    return "\n".join(lines) + "\n"


def _row(table: Table) -> str:
    named = (", ".join(table.of_class(known)) for known in list(DataClass)[1:])
    ways = "; ".join(_ways(table)) or table.about or "nobody"
    return f"| `{table.name}` | {' | '.join(named)} | {ways} | {table.retention.name} |"


def _ways(table: Table) -> Iterator[str]:
    for subject in table.subjects:
        yield f"`{subject.path}`: {_what(subject)}"
    if table.subjects and table.about:
        yield table.about


def _what(subject: Subject) -> str:
    fields = f"{', '.join(subject.fields)} " if subject.fields else ""
    return fields + _FATES[subject.fate]
