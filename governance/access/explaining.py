"""Explains who may do what: resolves the names of a question and puts it to `access.judge`, as the gate does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

from accounts import principals
from accounts.addresses import are_same, matching
from accounts.models import User
from accounts.principals import Principal
from accounts.privacy.access import hides, note_id
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, NotFound, ToolFailed
from agentos.core.ids import parse_id
from agentos.core.types import JsonObject, clean_text, json_object
from agents.engine.spec import AgentSpec
from agents.engine.tools import Tool
from agents.registry import registry
from governance.access import Judgement, Outcome, Question, judge
from knowledge import selectors as bases

SCOPE = "access:explain"  # to ask about others
MOST_PEOPLE = 500
VERBS: Final = ("read", "write", "delete")  # of a knowledge base
_TONES = {"allowed": "success", "asks": "warning", "refused": "danger"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A question with what became of it."""

    question: Question
    judgement: Judgement

    @property
    def word(self) -> Literal["allowed", "asks", "refused"]:
        """Say it in one word."""
        if self.judgement.refused:
            return "refused"
        return "asks" if self.judgement.decided.outcome is Outcome.ASKS else "allowed"

    @property
    def tone(self) -> str:
        return _TONES[self.word]

    @property
    def effect_text(self) -> str:
        """Say what the call would do; nothing when its arguments are not known."""
        tool, arguments = self.question.tool, self.question.arguments
        return tool.effect_text(arguments) if tool is not None and arguments is not None else ""


async def explain(
    asker: Principal,
    *,
    user: str = "",
    component: str = "",
    tool: str = "",
    args: str = "",
    knowledge: str = "",
    verb: str = "read",
) -> Explanation:
    """Explain one question; without `user` about the asker herself, with what narrows her now.

    `user` is an e-mail address or id of the asker's tenant, `args` a JSON object, `knowledge` the slug of a base that
    the asker may read. Raises: PolicyDenied about somebody else without `access:explain`, NotFound, Invalid.
    """
    if knowledge:
        about = await in_thread(of_base, asker, knowledge, verb, others=f"{component}{tool}{args}")
    else:
        about = named(component, tool, args)
    subject = await subject_of(asker, user)
    return await answered(replace(about, principal=subject))


async def subject_of(asker: Principal, user: str) -> Principal:
    """Return whom a question is about. Raises: PolicyDenied, NotFound."""
    if user in ("", str(asker.user_id)) or are_same(user, asker.email):
        return asker
    asker.require(SCOPE)
    return await in_thread(_shown_to, asker, user)


def _shown_to(asker: Principal, user: str) -> Principal:
    if parse_id(user) is None and hides(asker, User, "email"):  # whom an address finds, it names
        raise NotFound("There is no such active member.")
    with tenant_scope(asker.tenant_id, asker.user_id):
        subject = member_of(asker.tenant_id, user)
        note_id(asker, User, subject.user_id, subject=subject.user_id)
        return subject


def member_of(tenant_id: UUID, user: str) -> Principal:
    """Return the active member with this e-mail address or id. Raises: NotFound."""
    found = principals.members().filter(tenant_id=tenant_id)
    by_id = parse_id(user)
    found = found.filter(**matching(clean_text(user), "user__email")) if by_id is None else found.filter(user_id=by_id)
    if (member := found.order_by("user_id").first()) is None:
        raise NotFound("There is no such active member.")
    return principals.of_member(member)


def named(component: str, tool: str, args: str = "") -> Question:
    """Return the question about this component, this tool or both, with nobody in it yet.

    A tool is looked for in every component; when several have it, one must be named. Raises: NotFound, Invalid.
    """
    if not component and not tool:
        raise Invalid("Name a `tool`, a `component` or both.", code="nothing_asked")
    specs = [spec for spec in registry.all() if component in ("", spec.id, f"{spec.kind}:{spec.id}")]
    if tool:
        specs = [spec for spec in specs if spec.tool(tool) is not None]
    if not specs:
        raise NotFound("There is no such component, or it has no such tool.")
    if len(specs) > 1:
        names = ", ".join(f"{spec.kind}:{spec.id}" for spec in specs)
        raise Invalid(f"Name the component: {names}.", code="component_required")
    used = specs[0].tool(tool) if tool else None
    return Question(None, specs[0], used, _arguments(used, args), starts=True)


def of_base(asker: Principal, slug: str, verb: str, *, others: str = "") -> Question:
    """Return the question about a knowledge base that the asker may read, with nobody in it yet.

    `others` is what else was named, which does not go together. Raises: NotFound, Invalid.
    """
    if others or verb not in VERBS:
        raise Invalid(f"Of a knowledge base name its slug and one of {', '.join(VERBS)}.", code="bad_question")
    return Question(None, knowledge=bases.of_slug(asker, slug).slug, verb=verb)


def bases_of(asker: Principal) -> list[str]:
    """Return the slugs of the bases that the asker may read. The caller holds her scope."""
    return list(bases.readable(asker).order_by("slug").values_list("slug", flat=True))


async def of_people(people: Sequence[Principal], about: Question) -> list[Explanation]:
    """Answer "who may do this": one explanation for each of these people."""
    return [await answered(replace(about, principal=one)) for one in people]


async def of_things(subject: Principal) -> list[tuple[Explanation, list[Explanation]]]:
    """Answer "what may she do": one explanation for each component, with those for its tools."""
    return [await _of_component(subject, spec) for spec in registry.all()]


async def of_knowledge(subject: Principal, slugs: Sequence[str]) -> list[Explanation]:
    """Answer "what may she do" with these knowledge bases: one explanation for each of the verbs."""
    asked = [Question(subject, knowledge=slug, verb=verb) for slug in slugs for verb in VERBS]
    return [await answered(question) for question in asked]


async def _of_component(subject: Principal, spec: AgentSpec) -> tuple[Explanation, list[Explanation]]:
    whole = Question(subject, spec, starts=True)
    return await answered(whole), [await answered(replace(whole, tool=tool)) for tool in spec.tools]


async def answered(question: Question) -> Explanation:
    """Answer a question that names whom it is about."""
    return Explanation(question, await judge(question))


def people_of(tenant_id: UUID) -> list[Principal]:
    """Return the active members, by their e-mail addresses. The caller holds the tenant's scope."""
    found = principals.members().filter(tenant_id=tenant_id).order_by("user__email")
    return [principals.of_member(member) for member in found[:MOST_PEOPLE]]


def _arguments(tool: Tool | None, args: str) -> JsonObject | None:
    if not args.strip():
        return None
    given = json_object(args)
    if given is None or tool is None:
        raise Invalid("`args` is a JSON object with a tool's arguments.", code="bad_arguments")
    try:
        return dict(tool.validate(given).model_dump(mode="json"))
    except ToolFailed as failed:
        raise Invalid(failed.detail, code="bad_arguments") from None
