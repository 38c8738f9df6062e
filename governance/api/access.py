"""The route that explains who may do what."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.auth import principal_of, signed_in
from accounts.principals import Principal
from accounts.privacy import access
from accounts.privacy.datamap import DataClass
from governance.access import explaining
from governance.access.explaining import Explanation

router = Router(tags=["access"])


class ExplainQuery(Schema):
    user: str = Field("", max_length=254, description="E-mail address or id; oneself without it")
    component: str = Field("", max_length=200, examples=["helpdesk"], description="An id, or kind:id")
    tool: str = Field("", max_length=200, examples=["restart_service"])
    args: str = Field("", max_length=20_000, description="The tool's arguments, a JSON object")
    knowledge: str = Field("", max_length=63, examples=["handbook"], description="A knowledge base's slug, alone")
    verb: Literal["read", "write", "delete"] = Field("read", description="What would be done to the knowledge base")


class AnswerOut(Schema):
    layer: str = Field(examples=["role"])
    right: str = Field(examples=["tools:restart_service:call"])
    outcome: Literal["grants", "passes", "asks", "refuses"]
    reason: str


class ExplainedUser(Schema):
    id: UUID
    email: str
    role: str


class ExplainOut(Schema):
    """`outcome` is what the gate would say now; `decided` names the layer that decided it."""

    user: ExplainedUser
    component: str | None
    tool: str | None
    knowledge: str | None
    effect_text: str
    outcome: Literal["allowed", "asks", "refused"]
    waits_for: str | None = Field(examples=["confirmation"])
    decided: AnswerOut
    layers: list[AnswerOut]

    @classmethod
    def of(cls, found: Explanation, reader: Principal) -> ExplainOut:
        question, judgement = found.question, found.judgement
        subject = question.principal
        assert subject is not None
        email = access.seen(reader, DataClass.PERSONAL, subject.email, subject=subject.user_id)
        return cls(
            user=ExplainedUser(id=subject.user_id, email=str(email), role=subject.role),
            component=f"{question.component.kind}:{question.component.id}" if question.component else None,
            tool=question.tool.name if question.tool else None,
            knowledge=question.knowledge or None,
            effect_text=found.effect_text,
            outcome=found.word,
            waits_for=judgement.kind.value if judgement.kind else None,
            decided=AnswerOut.from_orm(judgement.decided),
            layers=[AnswerOut.from_orm(answer) for answer in judgement.answers],
        )


@router.get("/access/explain", response=ExplainOut, summary="Explain who may do what")
@signed_in
async def explain_access(request: HttpRequest, query: Annotated[ExplainQuery, Query()]) -> ExplainOut:
    """Show each layer's answer and the one that decided, by the function that the gate asks."""
    found = await explaining.explain(principal_of(request), **query.dict())
    return ExplainOut.of(found, principal_of(request))
