"""`manage.py doctor`: says what is wrong with this installation and how to mend it; changes nothing."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agentos.serving.diagnosis import CHECKS, Finding, findings

SIGNS = {"ok": "OK", "note": "note", "problem": "PROBLEM"}


class Command(BaseCommand):
    help = "Look at everything this installation needs; exit code 1 when something is wrong."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON with all findings")
        parser.add_argument("--check", choices=sorted(CHECKS), default="", help="look at one thing only")

    def handle(self, *args: Any, **options: Any) -> None:
        seen: list[Finding] = []
        for finding in findings(options["check"]):
            seen.append(finding)
            if not options["json"]:
                self._tell(finding)
        wrong = sum(finding.state == "problem" for finding in seen)
        if options["json"]:
            report = {"ok": not wrong, "findings": [finding.as_json() for finding in seen]}
            self.stdout.write(json.dumps(report))
        if wrong:
            sys.exit(1)

    def _tell(self, finding: Finding) -> None:
        self.stdout.write(f"{SIGNS[finding.state]:>8}  {finding.check}: {finding.found}")
        if finding.fix:
            self.stdout.write(f"{'':>10}{finding.fix}")
