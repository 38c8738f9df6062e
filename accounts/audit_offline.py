"""`python -m accounts.audit_offline FILE --key-file KEYS`: verifies an exported trail, without database or settings.

FILE is what `manage.py audit export` wrote; KEYS holds AGENTOS_AUDIT_KEY and those before it, one a line. It needs this
file, `audit_chain.py`, rfc8785 and cryptography. It ends with 0 where the trail is intact, 1 where it is not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from accounts.audit_chain import COVERED, Follower, KeyRing, is_signed

FORM: Final = 2
LINK_COLUMNS: Final = ("key_id", "hash")


class Broken(Exception):
    """The trail is not as it was written; the first bad entry where one can be named."""


@dataclass(slots=True)
class Signed:
    """What signed statements say of one trail: the link at each `seq`, and where it ended at the export."""

    links: dict[int, str] = field(default_factory=dict)

    def add(self, statement: dict[str, Any], keys: KeyRing, tenant_id: str) -> None:
        """Take one of this trail's statements; another's says nothing here. Raises: Broken."""
        if not is_signed(statement, keys.publics):
            raise Broken("a checkpoint was changed, or its key is not in the key file")
        if statement.get("tenant") != tenant_id:
            return
        if (back_to := statement.get("back_to")) is not None:
            self.links = {seq: link for seq, link in self.links.items() if seq <= back_to}
        else:
            self.links[statement["seq"]] = statement["hash"]


def verify(lines: Iterable[str], keys: KeyRing, checkpoints: Iterable[str] = ()) -> int:
    """Follow an exported trail and return how many entries it has. `checkpoints` is the file kept outside.

    Raises: Broken.
    """
    found = _read(lines)
    head = next(found, {})
    if head.pop("kind", "") != "trail" or head.get("form") != FORM:
        raise Broken("this is no exported trail")
    if not is_signed(head, keys.publics):
        raise Broken("broken at entry 1: the head was changed, or its key is not in the key file")
    tenant_id = str(head["tenant"])
    follower, said = Follower(keys, tenant_id), Signed()
    for statement in _read(checkpoints):
        said.add(statement, keys, tenant_id)
    for line in found:
        match line.pop("kind", ""):
            case "checkpoint":
                said.add(line, keys, tenant_id)
            case "entry":
                _go_on(follower, line, said)
            case "end":
                _end(follower, line, said, head["entries"])
                if next(found, None) is not None:
                    raise Broken(f"broken at entry {follower.seq + 1}: there is something after the end")
                return follower.seq
            case _:
                raise Broken(f"broken at entry {follower.seq + 1}: this line is none of an export")
    raise Broken(f"broken at entry {follower.seq + 1}: the file was cut off")


def _go_on(follower: Follower, line: dict[str, Any], said: Signed) -> None:
    wanted = follower.seq + 1
    if set(line) != {*COVERED, *LINK_COLUMNS}:
        raise Broken(f"broken at entry {wanted}")
    facts = {name: line[name] for name in COVERED}
    if not follower.takes(facts, str(line["key_id"]), str(line["hash"])):
        raise Broken(f"broken at entry {wanted}")
    if said.links.get(wanted, line["hash"]) != line["hash"]:
        raise Broken(f"broken at entry {wanted}: a checkpoint says otherwise")


def _end(follower: Follower, line: dict[str, Any], said: Signed, entries: int) -> None:
    """Check that the trail ends where head and end say: a checkpoint is signed as an end is, and lies before it."""
    if line.get("tenant") != follower.tenant_id or not is_signed(line, follower.keys.publics):
        raise Broken(f"broken at entry {follower.seq + 1}: the end was changed, or its key is not in the key file")
    if (line.get("seq"), line.get("hash")) != (follower.seq, follower.last) or follower.seq != entries:
        raise Broken(f"broken at entry {follower.seq + 1}: the trail ended elsewhere")
    if max(said.links, default=0) > follower.seq:
        raise Broken(f"broken at entry {follower.seq + 1}: a checkpoint knows of later ones")


def _read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read each line as one JSON object; nothing is said twice in it, of which a reader might take the other."""
    for line in lines:
        try:
            value = json.loads(line, object_pairs_hook=_without_doubles)
        except (ValueError, RecursionError):
            value = None
        yield value if isinstance(value, dict) else {}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def main(arguments: list[str] | None = None, out: TextIO = sys.stdout) -> int:
    parser = argparse.ArgumentParser(prog="python -m accounts.audit_offline", description="Verify an exported trail.")
    parser.add_argument("file", type=Path, help="what `manage.py audit export` wrote")
    parser.add_argument("--key-file", type=Path, required=True, help="the audit keys, one a line, the newest first")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints.jsonl, as it was kept outside")
    asked = parser.parse_args(arguments)
    secrets = [line.strip() for line in asked.key_file.read_text().splitlines() if line.strip()]
    if not secrets:
        parser.error("the key file is empty")
    outside = asked.checkpoints.read_text().splitlines() if asked.checkpoints else []
    try:
        with asked.file.open(encoding="utf-8") as lines:
            entries = verify(lines, KeyRing(secrets), outside)
    except (Broken, UnicodeDecodeError) as error:
        print(str(error) if isinstance(error, Broken) else "this is no exported trail", file=out)
        return 1
    print(f"intact: {entries} entries", file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
