"""The NinjaAPI that denies by default: a route that does not say who may call it answers 403, whoever added it."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser

from accounts.auth import is_declared
from agentos import contract
from agentos.core.errors import PolicyDenied
from agentos.core.types import strict_json

logger = logging.getLogger(__name__)


class StrictParser(Parser):
    """Reads bodies as strictly as what is stored is written: no NaN, no infinity, no endless whole number.

    No name is said twice either: what stands before this server, or shows somebody what she is about to send, may have
    read the other value.
    """

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        parsed: dict[str, Any] = strict_json(request.body)
        return parsed


class DeclaredAPI(NinjaAPI):
    """Every route says `@scope`, `@any_scope`, `@signed_in` or `@public`; a test looks for one that does not."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name an operation by what it does, wherever its code stands."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**where)
        contract.complete(schema)
        return schema

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        for router in self._get_bound_routers():
            for path, view in router.path_operations.items():
                for operation in view.operations:
                    if not is_declared(operation.view_func):
                        logger.error("/api%s does not say who may call it, and is denied to all", path)
                        operation.view_func = _denied
        return super()._get_urls()


async def _denied(request: HttpRequest, *args: Any, **kwargs: Any) -> None:
    raise PolicyDenied("Nobody may use this route: it does not say who may.", code="undeclared_route")
