"""`manage.py guard_report FILE.jsonl`: how precise and how complete the guardrails are on a labelled file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.guardrails import injection, pii, secrets
from governance.guardrails.report import Detect, Sample, measure, read

GUARDS: dict[str, Detect] = {"pii": pii.detect, "secrets": secrets.detect, "injection": injection.detect}
_HINTS = {"pii": ("pii", "personal"), "secrets": ("secret", "credential"), "injection": ("injection", "jailbreak")}


class Command(BaseCommand):
    """Print precision, recall and false alarms; needs no database."""

    help = 'Measures guardrails on a file with one {"text", "label", "spans"} a line.'
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the file and, if neither its name nor its labels tell, for the guardrail."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path)
        parser.add_argument("--guard", choices=sorted(GUARDS), help="default: what the file is about, else all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the whole file first, so that a bad line costs no time."""
        path: Path = options["file"]
        try:
            with path.open(encoding="utf-8") as lines:
                samples = list(read(lines))
        except (OSError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from error
        guards = [options["guard"]] if options["guard"] else _about(path, samples)
        for guard in guards:
            self.stdout.write(measure(guard, GUARDS[guard], samples).table() + "\n")


def _about(path: Path, samples: list[Sample]) -> list[str]:
    """Return the guardrail that the labels or else the file's name speak of, or all of them."""
    for words in (" ".join({sample.kind for sample in samples}), path.stem.lower()):
        guards = [guard for guard, hints in _HINTS.items() if any(hint in words for hint in hints)]
        if len(guards) == 1:
            return guards
    return sorted(GUARDS)
