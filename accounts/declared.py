"""What the migrations make in the catalog beside tables, by a sum of each: policies, views, triggers, functions.

`declared.sums` lists them as PostgreSQL of one major version writes them; `manage.py catalog --write` makes it anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PATH: Final = Path(__file__).parent / "declared.sums"
_WORD: Final = re.compile(r"'(?:[^']|'')*'::character varying")
_LIST_CAST: Final = re.compile(rf"\(ARRAY\[((?:{_WORD.pattern}(?:, )?)+)\]\)::text\[\]")
# One row for each: kind, the table that it belongs to (a function: itself), name, and all that it says.
EVERYTHING: Final = """
    SELECT 'policy', c.relname, p.polname, concat_ws(' ', p.polpermissive, p.polcmd,
           ARRAY(SELECT CASE r.rolname WHEN %(app)s THEN 'app' WHEN %(system)s THEN 'system' ELSE r.rolname END
                   FROM unnest(p.polroles) AS u(oid) LEFT JOIN pg_roles r USING (oid) ORDER BY 1),
           pg_get_expr(p.polqual, p.polrelid), 'CHECK', pg_get_expr(p.polwithcheck, p.polrelid))
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    UNION ALL
    SELECT 'view', c.relname, c.relname, concat_ws(' ', c.reloptions, pg_get_viewdef(c.oid))
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'trigger', c.relname, t.tgname, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
    UNION ALL
    SELECT 'function', p.proname, p.proname, pg_get_functiondef(p.oid)
      FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """Something in the catalog. `of` is its table's name; a function's is its own."""

    of: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"The {self.kind} {self.name}" + (f" of {self.of}" if self.of != self.name else "")


@dataclass(frozen=True, slots=True)
class Declared:
    """Sums by thing, as a server of the major version `major` writes what they say."""

    major: int
    sums: Mapping[Thing, str]

    def differing(self, found: Mapping[Thing, str]) -> list[Thing]:
        """Return what is gone, changed, or there beside it; what belongs to tables of others is theirs to declare."""
        ours = {thing.of for thing in self.sums}
        return sorted({thing for thing, _ in self.sums.items() ^ found.items() if thing.of in ours})


def sums_of(rows: Iterable[tuple[Any, ...]]) -> dict[Thing, str]:
    """Return the sums of what `EVERYTHING` asks for; how lines are broken, and lists of words cast, does not count."""
    return {
        Thing(of, kind, name): hashlib.sha256(_as_restored(" ".join(says.split())).encode()).hexdigest()[:32]
        for kind, of, name, says in rows
    }


def _as_restored(says: str) -> str:
    """Return what PostgreSQL writes once it has read again, from a dump, what it wrote of a list of words."""
    return _LIST_CAST.sub(lambda found: "ARRAY[" + _WORD.sub(r"(\g<0>)::text", found[1]) + "]", says)


def read() -> Declared:
    """Return what stands in the list."""
    first, *lines = PATH.read_text().splitlines()
    things = {Thing(*names): found for found, *names in map(str.split, lines)}
    return Declared(int(first.rpartition(" ")[2]), things)


def text(declared: Declared) -> str:
    """Return the list as `read` takes it."""
    lines = (f"{found}  {thing.of} {thing.kind} {thing.name}" for thing, found in sorted(declared.sums.items()))
    return "\n".join([f"# manage.py catalog --write, on PostgreSQL {declared.major}", *lines, ""])
