"""`manage.py bench`: what a run costs on this machine, over the product's own routes."""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand

from agentos.bench.figures import Row, goals
from agentos.bench.plan import QUICK_SCENES, QUICK_STEPS, SCENES, STEPS, Plan, measure, surroundings
from agentos.bench.stand import Stand, clean_environment
from agentos.bench.table import report
from agentos.core.errors import ConfigError
from agentos.postgres import PostgresError
from agentos.provision import ProvisionError
from agentos.serving.progress import Progress


class Command(BaseCommand):
    help = "Start a whole AgentOS in a temporary folder, load it, print what a run costs; under ten minutes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="1, 50 and 200 streams and the floors: a minute")
        parser.add_argument("--only", choices=SCENES, action="append", help="one measurement; repeatable")
        parser.add_argument("--steps", type=int, nargs="+", help="the numbers of streams of the ladder")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")

    def handle(self, *args: Any, **options: Any) -> None:
        quick = options["quick"]
        chosen = options["only"] or (QUICK_SCENES if quick else SCENES)
        plan = Plan(chosen, options["steps"] or (QUICK_STEPS if quick else STEPS))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        began, progress = time.monotonic(), Progress()
        try:
            with clean_environment(), Stand(progress) as stand:
                around = surroundings(stand)
                results = measure(stand, plan, progress)
        except KeyboardInterrupt:
            sys.exit(130)
        except (ConfigError, PostgresError, ProvisionError) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        around["seconds"] = round(time.monotonic() - began, 1)
        self._tell(around, results, options["json"])

    def _tell(self, around: Row, results: dict[str, list[Row]], path: Path | None) -> None:
        reached = goals(results)
        self.stdout.write("")
        for name, value in around.items():
            self.stdout.write(f"{name.replace('_', ' '):>12}  {value}")
        self.stdout.write("")
        for line in report(results, reached):
            self.stdout.write(line)
        if path is not None:
            held = [{**asdict(goal), "verdict": goal.verdict} for goal in reached]
            written = {"surroundings": around, "results": results, "goals": held}
            path.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
