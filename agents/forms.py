"""Reads the fields of a run request, whether it comes as JSON, as a form or as multipart."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from pydantic import TypeAdapter, ValidationError

from agentos.core.errors import CallerError, Invalid, TooLarge
from agentos.core.types import JsonObject, strict_json

_BOOL = TypeAdapter(bool)
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Shown:
    """How a client wants to be shown a run: as a stream, in one piece, or neither, in the background."""

    stream: bool = True
    background: bool = False

    @classmethod
    def of(cls, fields: JsonObject) -> Shown:
        """Read it. Raises: Invalid."""
        return cls(flag_of(fields, "stream", True), flag_of(fields, "background", False))

    @property
    def follows(self) -> bool:
        return self.stream or not self.background


@dataclass(frozen=True, slots=True)
class RunForm:
    """What a client may say when it starts a run. Every other field is ignored."""

    message: str
    session_id: str
    temporary: bool
    shown: Shown

    @property
    def content(self) -> JsonObject:
        """Return what makes two requests the same for an idempotency key."""
        said = {name: getattr(self, name) for name in ("message", "session_id", "temporary")}
        return {**said, "background": self.shown.background}


def fields_of(request: HttpRequest) -> JsonObject:
    """Return the request's fields. Raises: CallerError for a malformed body, TooLarge."""
    if request.content_type == "application/json":
        try:
            body = strict_json(request.body or b"{}")
        except ValueError:
            raise CallerError("The body is not JSON, or says a name twice.", code="malformed_json") from None
        if not isinstance(body, dict):
            raise CallerError("The body must be a JSON object.", code="malformed_json")
        return body
    try:
        if request.content_type != _MULTIPART and _is_misnamed(request):
            detail = "Say how the body is written: `Content-Type: application/json`, or a form's."
            raise CallerError(detail, code="content_type_unknown")
        if request.FILES:
            raise Invalid("Files cannot be sent with a run yet.", code="files_not_supported")
        if any(len(values) > 1 for _, values in request.POST.lists()):
            raise CallerError("The form says a field twice.", code="malformed_form")
        return dict(request.POST.items())
    except (RequestDataTooBig, TooManyFieldsSent):
        raise TooLarge from None
    except (MultiPartParserError, BadRequest):
        raise CallerError("The form is malformed.", code="malformed_form") from None


def _is_misnamed(request: HttpRequest) -> bool:
    """Tell whether a body is no form, by its kind or as `curl -d '{...}'` sends JSON: all fields would be missing."""
    return bool(request.body) and (request.content_type != _FORM or request.body.startswith(b"{"))


def run_form(request: HttpRequest) -> RunForm:
    """Return a run request. Raises: CallerError, Invalid, TooLarge."""
    fields = fields_of(request)
    return RunForm(
        message=text_of(fields, "message"),
        session_id=text_of(fields, "session_id"),
        temporary=flag_of(fields, "temporary", False),
        shown=Shown.of(fields),
    )


def text_of(fields: JsonObject, name: str) -> str:
    """Return a field that holds text, "" when it isn't there. Raises: Invalid."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"`{name}` must be text.", code="invalid")
    return value


def flag_of(fields: JsonObject, name: str, default: bool) -> bool:
    """Return a field that says yes or no. Raises: Invalid."""
    value = fields.get(name)
    if value is None or value == "":
        return default
    try:
        return _BOOL.validate_python(value)
    except ValidationError:
        raise Invalid(f"`{name}` must be true or false.", code="invalid") from None
