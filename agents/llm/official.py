"""The official client, with what is the same in each of its requests built once: that takes longer than the sending."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import httpx2
from openai import AsyncOpenAI, Timeout
from openai._models import FinalRequestOptions

MOST_FORMS: Final = 256
_Form: TypeAlias = tuple[httpx2.URL, list[tuple[bytes, bytes]], dict[str, Any]]  # URL, headers, extensions


class OfficialClient(AsyncOpenAI):
    """`AsyncOpenAI` for bodies that the caller has made: authentication, errors and connections are its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._forms: dict[tuple[object, ...], _Form] = {}

    @property
    def user_agent(self) -> str:
        return f"{AsyncOpenAI.__name__}/Python {self._version}"

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        content, headers, limits = options.content, options.headers, options.timeout
        if not (content and isinstance(content, bytes) and isinstance(headers, dict) and isinstance(limits, Timeout)):
            return super()._build_request(options, retries_taken=retries_taken)
        key = self.api_key, options.method, options.url, retries_taken, *headers.items(), *limits.as_dict().items()
        if (form := self._forms.get(key)) is None:
            form = _form_of(super()._build_request(options, retries_taken=retries_taken))
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            self._forms[key] = form
        url, same, extensions = form
        return httpx2.Request(options.method, url, headers=same, content=content, extensions=extensions)


def _form_of(request: httpx2.Request) -> _Form:
    same = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
    return request.url, same, request.extensions
