"""A sandbox model in a thread of the calling process, for tests."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

from agents.llm.sandbox.options import SandboxOptions
from agents.llm.sandbox.scenario import Scenario
from agents.llm.sandbox.server import SandboxServer, build_app, listen

_START_SECONDS = 10
_STOP_SECONDS = 5
INSTANT = SandboxOptions(ttft_ms=0, token_ms=0, stall_ms=50)


@contextlib.contextmanager
def running(options: SandboxOptions = INSTANT, scenarios: Sequence[Scenario] = ()) -> Iterator[str]:
    """Serve on a free port of the loopback while the block runs; give its base URL, ending in /v1."""
    ready = threading.Event()
    server = SandboxServer(build_app(options, scenarios), listen("127.0.0.1", 0), lambda _: ready.set())
    thread = threading.Thread(target=server.serve_until_stopped, name="sandbox-model", daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise RuntimeError("the sandbox model did not start")
        yield f"http://127.0.0.1:{server.port}/v1"
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
