"""The official client, with what is the same in each of its requests built once: that takes longer than the sending."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import httpx2
from openai import AsyncOpenAI, Timeout
from openai._models import FinalRequestOptions

MOST_FORMS: Final = 256
# URL, headers with the length of some body, extensions.
_Form: TypeAlias = tuple[httpx2.URL, httpx2.Headers, dict[str, Any]]


class OfficialClient(AsyncOpenAI):
    """`AsyncOpenAI` for bodies that the caller has made: authentication, errors and connections are its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._forms: dict[tuple[object, ...], _Form] = {}

    @property
    def user_agent(self) -> str:
        return f"{AsyncOpenAI.__name__}/Python {self._version}"

    async def send(self, path: str, content: bytes, headers: dict[str, str], limits: Timeout) -> httpx2.Response:
        """POST a body as `post` does, without what that does for typed bodies and retries.

        Returns the response once its head is there, unread. Raises: openai.APIStatusError, TRANSPORT_ERRORS.
        """
        response = await self._client.send(await self.request_of(path, content, headers, limits), stream=True)
        if response.is_success:
            return response
        try:
            await response.aread()
            raise self._make_status_error_from_response(response)
        finally:
            await response.aclose()

    async def request_of(self, path: str, content: bytes, headers: dict[str, str], limits: Timeout) -> httpx2.Request:
        """Return the request that posts a body."""
        key = self.api_key, path, *headers.items(), *limits.as_dict().items()
        if (form := self._forms.get(key)) is None:
            wanted = FinalRequestOptions.construct(
                method="post", url=path, content=content, headers=headers, timeout=limits
            )
            form = _form_of(self._build_request(await self._prepare_options(wanted)))
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            self._forms[key] = form
        url, same, extensions = form
        own = httpx2.Headers(same)
        own["Content-Length"] = str(len(content))
        # One that is given its body as `content` reads and writes every header again, to add that.
        request = httpx2.Request("post", url, headers=own, stream=httpx2.ByteStream(content), extensions=extensions)
        request.headers.encoding = same.encoding
        request.read()
        return request


def _form_of(request: httpx2.Request) -> _Form:
    return request.url, request.headers, request.extensions
