"""Threads for the tools that are plain functions: they take no thread from anybody else, and nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
THREADS: Final = 32


class DetachedThreads(Executor):
    """Daemon threads, made when they are needed: one that is stuck does not keep the process from ending.

    What is cancelled while it waits for a thread never runs; what runs goes on, and its result is thrown away.
    """

    def __init__(self, most: int = THREADS) -> None:
        self._most = most
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._waiting.put((future, partial(copy_context().run, fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False):
            self._add_thread()
        return future

    def _add_thread(self) -> None:
        with self._lock:
            if self._threads == self._most:
                return
            self._threads += 1
            name = f"tool-{self._threads}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            future, call = self._waiting.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except StopIteration as error:  # no future takes this one, and whoever waits would wait for ever
                    future.set_exception(RuntimeError(f"{type(error).__name__} left the function"))
                except BaseException as error:  # noqa: BLE001
                    # Around a tool call, in its thread: whoever waits for the call sorts it.
                    future.set_exception(error)
            del future, call  # a result must not live on until the next call comes
            self._idle.release()


for_tools = DetachedThreads()
