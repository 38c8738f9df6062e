"""The routes `/api/knowledge...`: a tenant's knowledge bases. One that she may not read is not there for her."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status

from accounts.api.schemas import PageMeta
from accounts.auth import any_scope, principal_of, scope
from accounts.seam import in_thread
from knowledge import selectors
from knowledge.models import KnowledgeBase
from knowledge.schemas import KnowledgeBaseChange, KnowledgeBaseIn, KnowledgeBaseOut, KnowledgeBasePage, PageAsked
from knowledge.services import bases

router = Router(tags=["knowledge"])


@router.get("/knowledge", response=KnowledgeBasePage, summary="List knowledge bases")
@any_scope("knowledge", "read")
async def list_bases(request: HttpRequest, asked: Query[PageAsked]) -> dict[str, Any]:
    """List the knowledge bases that one may read, by slug."""
    rows, total = await in_thread(selectors.listed, principal_of(request), **asked.dict())
    return {"data": rows, "meta": PageMeta.of(asked.page, asked.limit, total)}


@router.post("/knowledge", response={201: KnowledgeBaseOut}, summary="Create a knowledge base")
@scope("knowledge:write")
async def create_base(request: HttpRequest, body: KnowledgeBaseIn) -> Status[KnowledgeBase]:
    """Create an empty knowledge base. Untrusted unless said otherwise, which takes `guards:loosen`."""
    return Status(201, await in_thread(bases.create, principal_of(request), **body.dict()))


@router.get("/knowledge/{knowledge_id}", response=KnowledgeBaseOut, summary="Read a knowledge base")
@any_scope("knowledge", "read")
async def get_base(request: HttpRequest, knowledge_id: UUID) -> KnowledgeBase:
    """Return one knowledge base."""
    return await in_thread(selectors.get, principal_of(request), knowledge_id)


@router.patch("/knowledge/{knowledge_id}", response=KnowledgeBaseOut, summary="Change a knowledge base")
@any_scope("knowledge", "write")
async def change_base(request: HttpRequest, knowledge_id: UUID, body: KnowledgeBaseChange) -> KnowledgeBase:
    """Change what is named; the rest stays as it is."""
    return await in_thread(bases.change, principal_of(request), base_id=knowledge_id, **body.dict())


@router.delete("/knowledge/{knowledge_id}", response={204: None}, summary="Delete a knowledge base")
@any_scope("knowledge", "delete")
async def delete_base(request: HttpRequest, knowledge_id: UUID) -> None:
    """Delete a knowledge base."""
    await in_thread(bases.delete, principal_of(request), base_id=knowledge_id)
