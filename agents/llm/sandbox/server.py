"""The sandbox model's HTTP server: routes, errors in OpenAI's shape, and the process around them."""

import contextlib
import resource
import socket
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import orjson
import uvicorn

from agents.llm.sandbox.asgi import App, Disconnected, Headers, Receive, Scope, Send, read, send_json
from agents.llm.sandbox.chat import ChatEndpoint
from agents.llm.sandbox.embeddings import embeddings
from agents.llm.sandbox.errors import ApiError
from agents.llm.sandbox.faults import FaultBook, refuse_if_status
from agents.llm.sandbox.markers import read_markers
from agents.llm.sandbox.moderation import moderation_inputs, moderations
from agents.llm.sandbox.options import SandboxOptions
from agents.llm.sandbox.scenario import Scenario, ScenarioBook
from agents.llm.sandbox.wire import read_body, read_model, unknown_model

BACKLOG = 4096
OPEN_FILES = 16_384
KEEP_ALIVE_SECONDS = 75
OWNER = "agentos-sandbox"
# Models have no birthday here; a fixed one keeps the answers deterministic.
_CREATED = 1_767_225_600
_PREFIX = "/v1/models/"
_METHODS = {
    "/v1/chat/completions": "POST",
    "/v1/embeddings": "POST",
    "/v1/moderations": "POST",
    "/v1/models": "GET",
    "/health": "GET",
}


def build_app(options: SandboxOptions, scenarios: Sequence[Scenario]) -> App:
    """Make the ASGI application."""
    return _Sandbox(options, scenarios)


class _Sandbox:
    """Routes requests to the endpoints and turns refusals into responses."""

    def __init__(self, options: SandboxOptions, scenarios: Sequence[Scenario]) -> None:
        self._options = options
        self._chat = ChatEndpoint(options, ScenarioBook(scenarios))
        self._marked = FaultBook((), options.seed)
        self._requests = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"x-request-id", b"req_%d" % next(self._requests))]
        try:
            await self._route(scope, receive, send, headers)
        except ApiError as error:
            await send_json(send, error.body(), status=error.status, headers=headers + error.headers())
        except Disconnected:
            return

    async def _route(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        path, method = scope["path"].rstrip("/"), scope["method"]
        expected = "GET" if path.startswith(_PREFIX) else _METHODS.get(path)
        if expected is None:
            raise ApiError(404, f"Invalid URL ({method} {path or '/'})", code="unknown_url")
        if method != expected:
            headers.append((b"allow", expected.encode()))
            raise ApiError(405, f"Not allowed to {method} on {path}: use {expected}.")
        if expected == "GET":
            await send_json(send, self._get(path), headers=headers)
            return
        body = await read(receive)
        if path == "/v1/chat/completions":
            await self._chat(body, receive, send, headers)
        elif path == "/v1/embeddings":
            await send_json(send, self._embeddings(read_body(body)), headers=headers)
        else:
            await send_json(send, self._moderations(read_body(body)), headers=headers)

    def _get(self, path: str) -> bytes:
        if path == "/health":
            return b'{"status":"ok"}'
        if path == "/v1/models":
            return orjson.dumps({"object": "list", "data": [_model(name) for name in self._options.models]})
        name = path.removeprefix(_PREFIX)
        if name not in self._options.models:
            raise unknown_model(name)
        return orjson.dumps(_model(name))

    def _embeddings(self, data: Mapping[str, Any]) -> bytes:
        model = read_model(data, [self._options.embedding_model])
        given = data.get("input")
        self._fail_if_marked("embedding-fault", [given] if isinstance(given, str) else given)
        return embeddings(data, model)

    def _moderations(self, data: Mapping[str, Any]) -> bytes:
        name = self._options.moderation_model
        model = read_model(data, [name], default=name)
        self._fail_if_marked("moderation-fault", moderation_inputs(data.get("input")))
        return moderations(data, model)

    def _fail_if_marked(self, marker: str, texts: object) -> None:
        for text in texts if isinstance(texts, list) else ():
            if isinstance(text, str) and marker in text:
                fault = read_markers(text).faults.get(marker)
                refuse_if_status(self._marked.asked(fault, text))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": OWNER}


def listen(host: str, port: int) -> socket.socket:
    """Bind the server's socket; port 0 takes a free one. Raises: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener


class SandboxServer(uvicorn.Server):
    """uvicorn with its socket already bound, calling `ready` with the port once it accepts."""

    def __init__(self, app: App, listener: socket.socket, ready: Callable[[int], None] | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept, then say so."""
        await super().startup(sockets=sockets)
        if self._ready is not None:
            self._ready(self.port)

    def serve_until_stopped(self) -> None:
        """Run in the foreground until a signal or `should_exit`."""
        self.run(sockets=[self.listener])


def serve(
    options: SandboxOptions,
    scenarios: Sequence[Scenario],
    host: str,
    port: int,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve in the foreground until SIGTERM or SIGINT; `ready` gets the port. Raises: OSError."""
    _allow_many_connections()
    server = SandboxServer(build_app(options, scenarios), listen(host, port), ready)
    # uvicorn raises the signal again when it has shut down; Ctrl-C is no error here.
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_until_stopped()


def _allow_many_connections() -> None:
    """Raise the soft limit of open files, so that 2,000 connections fit in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
