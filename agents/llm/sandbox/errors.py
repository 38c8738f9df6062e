"""The one error of the sandbox model's wire and its body in OpenAI's shape."""

import orjson

_KINDS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", None),
    405: ("invalid_request_error", "method_not_supported"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "service_unavailable"),
}
_FAULT_TEXTS = {
    401: "Incorrect API key provided (injected fault).",
    429: "Rate limit reached (injected fault). Please try again in 250ms.",
    500: "The server had an error while processing your request (injected fault).",
    503: "The server is overloaded (injected fault).",
}
RETRY_AFTER_MS = 250


class ApiError(Exception):
    """A request is refused with an HTTP status and OpenAI's error body."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code

    def body(self) -> bytes:
        """Render `{"error": {message, type, param, code}}`."""
        fallback = ("server_error", None) if self.status >= 500 else ("invalid_request_error", None)
        kind, code = _KINDS.get(self.status, fallback)
        return orjson.dumps(
            {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code or code}}
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Say when to come back, where the status calls for it."""
        if self.status not in (429, 503):
            return []
        return [(b"retry-after", b"1"), (b"retry-after-ms", str(RETRY_AFTER_MS).encode())]


def injected(status: int) -> ApiError:
    """Make the error of an injected fault."""
    return ApiError(status, _FAULT_TEXTS.get(status, f"Status {status} (injected fault)."))
