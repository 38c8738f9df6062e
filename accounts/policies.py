"""The SQL of row-level security: who asks, whose rows these are, and whose role reaches beyond her own.

No setting widens a policy. Who may see more than her own rows is read from rows: membership and role, through the view
`accounts_right` and the function `accounts_holds`, which run with their reader's rights, so that their policies hold as
well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

CURRENT_TENANT = "NULLIF(current_setting('agentos.tenant', true), '')::uuid"
CURRENT_USER = "NULLIF(current_setting('agentos.user', true), '')::uuid"
# As a sub-select it is read once for a statement; without, once for each row.
THIS_TENANT = f"(SELECT {CURRENT_TENANT})"
THIS_USER = f"(SELECT {CURRENT_USER})"
RIGHTS = "accounts_right"
HOLDS = "accounts_holds"
# A function keeps its plan as long as a connection lasts. Written out, what it asks was set up anew for each of the
# policies that a statement meets, asked or not: half of what a decision's statements took. Who asks where is read into
# variables first: in the query each row of memberships and roles read the two settings again.
HOLDS_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {HOLDS}(any_of varchar[]) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    this_tenant CONSTANT uuid := {CURRENT_TENANT};
    this_user CONSTANT uuid := {CURRENT_USER};
BEGIN
    RETURN EXISTS (SELECT FROM public.{RIGHTS} r WHERE r.tenant_id = this_tenant AND r.user_id = this_user
                   AND r.scopes && any_of);
END $$
"""
EVERYTHING = "agent_os:admin"  # accounts.scopes.ADMIN, which imports this
READ, WRITES = "SELECT", ("INSERT", "UPDATE", "DELETE")
# Which verbs of a grant are worth a verb: accounts.models.resources, which imports this, has them and what they imply.
GRANTED_BY = {"read": ("read", "write"), "write": ("write",)}


def make_holds() -> tuple[str, str]:
    """Return the statements that make the function, and let the application's role call it wherever others may not."""
    return HOLDS_FUNCTION, f'GRANT EXECUTE ON FUNCTION {HOLDS}(varchar[]) TO "{role_name("app")}"'


def role_name(role: str) -> str:
    """Return the database role that plays `app`, `system` or `owner`."""
    return str(settings.DATABASE_ROLES[role])


def holds(*scopes: str) -> str:
    """Return the condition that the current user's role in this tenant grants one of these scopes of two parts.

    It depends on no row of the table that it guards: a query asks it once, and not at all while rows are her own.
    """
    if not scopes:
        return "false"  # not even for an administrator
    patterns = {f"{scope.partition(':')[0]}:*" for scope in scopes}
    listed = ", ".join(f"'{scope}'" for scope in (EVERYTHING, *scopes, *sorted(patterns)))
    return f"(SELECT {HOLDS}(ARRAY[{listed}]::varchar[]))"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose a table's rows are, and who else reads and writes them.

    `owner` is the user's column; without one every member of the tenant reads them, and only `writers` write, as they
    do when not `owner_writes`. `within` is "column table": the row that it refers to there has the same owner.
    """

    owner: str = ""
    readers: Sequence[str] = ()
    writers: Sequence[str] = ()
    within: str = ""
    owner_writes: bool = True

    def policies(self, table: str, verbs: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Yield (verb, condition of the rows there are, condition of the rows there will be); "" where none is due."""
        if READ in verbs:
            yield READ, self._read(), ""
        right = self._mine_or(self.writers) if self.owner and self.owner_writes else holds(*self.writers)
        touched = f"tenant_id = {THIS_TENANT} AND {right}"
        made = f"{touched} AND {self._of_one_owner(table)}" if self.within else touched
        for verb in WRITES:
            if verb in verbs:
                yield verb, "" if verb == "INSERT" else touched, "" if verb == "DELETE" else made

    def _read(self) -> str:
        if self.owner:
            return f"tenant_id = {THIS_TENANT} AND {self._mine_or(self.readers)}"
        return f"tenant_id = {CURRENT_TENANT}"  # no sub-select: the rights' own tables may not ask themselves

    def _mine_or(self, scopes: Sequence[str]) -> str:
        return f"({self.owner} = {THIS_USER} OR {holds(*scopes)})"

    def _of_one_owner(self, table: str) -> str:
        column, parent = self.within.split()
        return (
            f'EXISTS (SELECT FROM "{parent}" p WHERE p.tenant_id = "{table}".tenant_id '
            f'AND p.id = "{table}"."{column}" AND p.{self.owner} = "{table}".{self.owner})'
        )


@dataclass(frozen=True, slots=True)
class Named:
    """Rows that scopes name one by one, `kind:name:verb`; `column` holds the name.

    Each is read, changed and deleted by whose role grants the verb on all of the kind or on this one, or who was
    granted it on this one; made by whose role grants to write all.
    """

    kind: str
    column: str

    def policies(self, table: str, verbs: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Yield as `Reach.policies` does."""
        made = f"tenant_id = {THIS_TENANT} AND {holds(f'{self.kind}:write')}"
        conditions = {
            "SELECT": (self._touched(table, "read"), ""),
            "INSERT": ("", made),
            "UPDATE": (self._touched(table, "write"), self._touched(table, "write")),
            "DELETE": (self._touched(table, "delete"), ""),
        }
        yield from ((verb, *conditions[verb]) for verb in conditions if verb in verbs)

    def _touched(self, table: str, verb: str) -> str:
        # Spelt as PostgreSQL itself spells conditions: a restored dump is compared with these by its text.
        name = f'"{table}".{self.column}'
        codenames = [f"p.codename = '{each}_resource'" for each in GRANTED_BY.get(verb, ())]
        by_grant = (
            f"EXISTS (SELECT FROM accounts_grant g JOIN accounts_resource t ON t.id = g.content_object_id "
            f"JOIN auth_permission p ON p.id = g.permission_id WHERE g.tenant_id = {THIS_TENANT} "
            f"AND g.user_id = {THIS_USER} AND t.kind = '{self.kind}' AND t.name = {name} "
            f"AND ({' OR '.join(codenames)}))"
        )
        by_name = (
            f"EXISTS (SELECT FROM {RIGHTS} r WHERE r.tenant_id = {THIS_TENANT} AND r.user_id = {THIS_USER} "
            f"AND ('{self.kind}:*:{verb}' = ANY (r.scopes::text[]) "
            f"OR '{self.kind}:' || {name} || ':{verb}' = ANY (r.scopes::text[])))"
        )
        ways = [holds(f"{self.kind}:{verb}"), by_name, *([by_grant] if codenames else [])]
        return f"tenant_id = {THIS_TENANT} AND ({' OR '.join(ways)})"


def create_policy(
    name: str, table: str, role: str, verb: str, using: str, check: str, *, restrictive: bool = False
) -> str:
    """Return the statement that makes a policy; an empty condition is left out. A restrictive one narrows others."""
    kind = "AS RESTRICTIVE " if restrictive else ""
    conditions = f"{f' USING ({using})' if using else ''}{f' WITH CHECK ({check})' if check else ''}"
    return f'CREATE POLICY "{name}" ON "{table}" {kind}FOR {verb} TO "{role_name(role)}"{conditions}'
