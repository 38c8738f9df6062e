"""`manage.py sandbox_model`: the model server that stands in when no key for a real one is set."""

import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from agents.llm.sandbox.options import SandboxOptions, parse_fault_rate
from agents.llm.sandbox.scenario import Scenario, ScenarioError, load_scenarios, scenario_folders
from agents.llm.sandbox.server import serve


class Command(BaseCommand):
    """Serve the sandbox model in the foreground; needs no database."""

    help = "Serve the sandbox model: an offline, deterministic, OpenAI-compatible server."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where it listens, its pace and its faults."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001, help="0 takes a free port (default: %(default)s)")
        parser.add_argument("--ttft-ms", type=float, default=150, help="time to the first token")
        parser.add_argument("--token-ms", type=float, default=15, help="time from one token to the next")
        parser.add_argument("--stall-ms", type=float, default=4000, help="how long the fault `slow` stalls")
        parser.add_argument("--tokens", type=int, help="make every text answer exactly this long")
        parser.add_argument("--seed", type=int, default=0, help="of the sequence of faults")
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="KIND:RATE",
            help="an HTTP status, cut, drop, slow or hang, with its share of requests; repeatable",
        )
        parser.add_argument(
            "--bench-stamp",
            action="store_true",
            help="write each token's time, in microseconds of the monotonic clock, into the token",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        chosen = _options(options)
        scenarios = _scenarios()
        host = options["host"]

        def ready(port: int) -> None:
            shown = f"[{host}]" if ":" in host else host
            count = sum(len(scenario.turns) for scenario in scenarios)
            self.stdout.write(f"sandbox model on http://{shown}:{port}/v1 ({count} scripted prompts)")
            self.stdout.flush()

        signal.signal(signal.SIGTERM, _exit)
        try:
            serve(chosen, scenarios, host, options["port"], ready)
        except (OSError, OverflowError) as error:
            where = f"{host}:{options['port']}"
            raise CommandError(
                f"port: the sandbox model can't listen on {where} ({error}); choose another with --port"
            ) from error


def _options(options: dict[str, Any]) -> SandboxOptions:
    try:
        return SandboxOptions(
            ttft_ms=options["ttft_ms"],
            token_ms=options["token_ms"],
            stall_ms=options["stall_ms"],
            tokens=options["tokens"],
            seed=options["seed"],
            bench_stamp=options["bench_stamp"],
            faults=tuple(parse_fault_rate(text) for text in options["fault"]),
        )
    except ValueError as error:
        raise CommandError(f"options: {error}") from error


def _scenarios() -> tuple[Scenario, ...]:
    try:
        return load_scenarios(scenario_folders(Path(app.path) for app in apps.get_app_configs()))
    except ScenarioError as error:
        raise CommandError(f"scenario: {error}") from error


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    """End normally when uvicorn, having shut down, raises the signal again."""
    sys.exit(0)
