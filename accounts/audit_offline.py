"""`python -m accounts.audit_offline FILE --key-file KEYS`: verifies an exported trail, without database or settings.

FILE is what `manage.py audit export` wrote; KEYS holds AGENTOS_AUDIT_KEY and those before it, one a line. It needs this
file, `audit_chain.py`, rfc8785 and cryptography. It ends with 0 where the trail is intact, 1 where it is not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from accounts.audit_chain import COVERED, SIGNATURE, Follower, KeyRing, Links, is_signed

FORM: Final = 2
LINK_COLUMNS: Final = ("key_id", "hash")
ABOUT: Final = {"form": int, "tenant": str, "slug": str, "exported_at": str}
HEAD: Final = {"kind": str, **ABOUT, "entries": int}
END: Final = {"kind": str, **ABOUT, "seq": int, "hash": str}
CHECKPOINT: Final = {"form": int, "tenant": str, "at": str, "seq": int, "hash": str}
RESTORE: Final = {"form": int, "tenant": str, "at": str, "back_to": int}


class Broken(Exception):
    """The trail is not as it was written; the first bad entry where one can be named."""


@dataclass(slots=True)
class Signed:
    """What the checkpoints of one place say of one trail, and its restores (`at`, `back_to`).

    Each place has its own: what an export holds, signed or not, makes nothing unsaid that was kept outside.
    """

    keys: KeyRing
    tenant_id: str
    said: Links = field(default_factory=Links)
    restores: list[tuple[str, int]] = field(default_factory=list)

    def add(self, statement: dict[str, Any]) -> None:
        """Take one of this trail's statements; another's says nothing here. Raises: Broken."""
        is_restore = _says(statement, RESTORE, self.keys)
        if not is_restore and not _says(statement, CHECKPOINT, self.keys):
            raise Broken("a checkpoint was changed, or its key is not in the key file")
        if statement["tenant"] != self.tenant_id:
            return
        self.said.take(statement)
        if is_restore:
            self.restores.append((statement["at"], statement["back_to"]))

    def check(self, seq: int, link: str) -> None:
        """Raises: Broken for an entry that has another link."""
        if self.said.links.get(seq, link) != link:
            raise Broken(f"broken at entry {seq}: a checkpoint says otherwise")

    def check_end(self, seq: int, exported_at: str) -> None:
        """Raises: Broken for a trail that was longer, or had entries then that a restore took back later."""
        if self.said.entries > seq:
            raise Broken(f"broken at entry {seq + 1}: a checkpoint knows of later ones")
        lost = [back_to for at, back_to in self.restores if at > exported_at and back_to < seq]
        if lost:
            raise Broken(f"broken at entry {min(lost) + 1}: a restore took it back after this export")


def verify(lines: Iterable[str], keys: KeyRing, checkpoints: Iterable[str] = ()) -> int:
    """Follow an exported trail and return how many entries it has. `checkpoints` is the file kept outside.

    Raises: Broken.
    """
    found = _read(lines)
    number, head = next(found, (1, {}))
    if head.get("kind") != "trail" or head.get("form") != FORM:
        raise Broken("this is no exported trail")
    if not _says(head, HEAD, keys):
        raise Broken("broken at entry 1: the head was changed, or its key is not in the key file")
    follower = Follower(keys, head["tenant"])
    outside, inside = (Signed(keys, head["tenant"]) for _ in range(2))
    for number, statement in _read(checkpoints):
        with _told(f"line {number} of the checkpoints"):
            outside.add(statement)
    for number, line in found:
        match line.get("kind"):
            case "checkpoint":
                with _told(f"line {number}"):
                    inside.add({name: value for name, value in line.items() if name != "kind"})
            case "entry":
                _go_on(follower, line, (outside, inside))
            case "end":
                _end(follower, line, head, (outside, inside))
                if next(found, None) is not None:
                    raise Broken(f"broken at entry {follower.seq + 1}: there is something after the end")
                return follower.seq
            case _:
                raise Broken(f"broken at entry {follower.seq + 1}: this line is none of an export")
    raise Broken(f"broken at entry {follower.seq + 1}: the file was cut off")


def _go_on(follower: Follower, line: dict[str, Any], said: Iterable[Signed]) -> None:
    wanted = follower.seq + 1
    if set(line) != {"kind", *COVERED, *LINK_COLUMNS}:
        raise Broken(f"broken at entry {wanted}")
    facts = {name: line[name] for name in COVERED}
    if not follower.takes(facts, str(line["key_id"]), str(line["hash"])):
        raise Broken(f"broken at entry {wanted}")
    for place in said:
        place.check(wanted, follower.last)


def _end(follower: Follower, line: dict[str, Any], head: dict[str, Any], said: Iterable[Signed]) -> None:
    """Check that the trail ends where head and end of one export say, and where each place's checkpoints let it."""
    after = f"broken at entry {follower.seq + 1}"
    if not _says(line, END, follower.keys) or any(line[name] != head[name] for name in ABOUT):
        raise Broken(f"{after}: the end was changed, or its key is not in the key file")
    if (line["seq"], line["hash"]) != (follower.seq, follower.last) or follower.seq != head["entries"]:
        raise Broken(f"{after}: the trail ended elsewhere")
    for place in said:
        place.check_end(follower.seq, head["exported_at"])


def _says(statement: dict[str, Any], shape: dict[str, type], keys: KeyRing) -> bool:
    """Say whether one of the keys signed this, and it has exactly the fields of such a statement."""
    types = {name: type(value) for name, value in statement.items() if name != SIGNATURE}
    return types == shape and is_signed(statement, keys.publics)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except Broken as error:
        raise Broken(f"{where}: {error}") from None


def _read(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number the lines and read each as one JSON object; nothing is said twice in it, of which a reader might take the
    other.
    """
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line, object_pairs_hook=_without_doubles)
        except (ValueError, RecursionError):
            value = None
        yield number, value if isinstance(value, dict) else {}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is there twice")
    return value


def _lines(path: Path) -> Iterator[str]:
    """Yield a file's lines; a byte that is no UTF-8 becomes a letter that nothing signed has."""
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        yield from file


def main(arguments: list[str] | None = None, out: TextIO = sys.stdout) -> int:
    parser = argparse.ArgumentParser(prog="python -m accounts.audit_offline", description="Verify an exported trail.")
    parser.add_argument("file", type=Path, help="what `manage.py audit export` wrote")
    parser.add_argument("--key-file", type=Path, required=True, help="the audit keys, one a line, the newest first")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints.jsonl, as it was kept outside")
    asked = parser.parse_args(arguments)
    secrets = [line.strip() for line in asked.key_file.read_text().splitlines() if line.strip()]
    if not secrets:
        parser.error("the key file is empty")
    try:
        entries = verify(_lines(asked.file), KeyRing(secrets), _lines(asked.checkpoints) if asked.checkpoints else ())
    except Broken as error:
        print(error, file=out)
        return 1
    print(f"intact: {entries} entries", file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
