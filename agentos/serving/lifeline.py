"""Ends a child whose parent is gone, even one killed by -9, and runs a management command that way.

The parent holds the other end of the child's standard input: its end closes with the parent. All that it says there is
when to begin, and that no other process will go on serving. What the child forks has no such end, and watches whose
child it is.
Works on every Unix, unlike a signal of the kernel's.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

STDIN = 0
GRACE_SECONDS = 25
LOOK_SECONDS = 1.0
GO, ALL_END = b"g", b"e"

go, all_end = threading.Event(), threading.Event()
_lineage = [0]  # the processes that forked each other, this one at the end


def watch() -> None:
    """End this process gently when standard input closes, and firmly `GRACE_SECONDS` later; what it forks with it."""
    _lineage[:] = [os.getpid()]
    os.register_at_fork(after_in_child=_watch_parent)
    threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()


def _watch_parent() -> None:
    parent = _lineage[-1]
    _lineage.append(os.getpid())
    threading.Thread(target=_end_after, args=(parent,), name="lifeline", daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_the_end() -> None:
    while said := os.read(STDIN, 1024):
        if GO in said:
            go.set()
        if ALL_END in said:
            all_end.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Run `manage.py` with this process' arguments."""
    watch()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentos.settings")
    import django
    from django.core.management import execute_from_command_line

    from agentos.serving import memory

    with memory.importing():
        django.setup()
    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
