"""`manage.py guard_train`: trains the model that seconds the rules against injections, and says what it reaches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.guardrails.injection import learned, training, trial
from governance.guardrails.injection.detecting import found_by_rules
from governance.guardrails.injection.learned import Model
from governance.guardrails.injection.training import Example
from governance.guardrails.injection.views import views


class Command(BaseCommand):
    """Try the model on texts that it didn't see, choose the thresholds by that, train on all; needs no database."""

    help = "Trains the learned part of the guard against prompt injection; prints what it finds in unseen texts."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to only look, and to train with further texts."""
        parser.add_argument("files", nargs="*", type=Path, help='further files with {"text", "label", "family"} a line')
        parser.add_argument("--dry-run", action="store_true", help="print the figures, keep the weights")
        parser.add_argument(
            "--keep-thresholds", action="store_true", help="try nothing, keep the thresholds of the old weights"
        )
        parser.add_argument(
            "--authors", action="store_true", help="also leave out families and authors, which takes thrice as long"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the weights at the end, all at once."""
        paths = [*training.WRITTEN, *training.FAMILIAR, *options["files"]]
        try:
            examples = list(training.examples(paths, _by_rules))
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"These texts can't be read: {error}") from error
        examples.extend(training.benign_documents(_by_rules))
        model = training.train(examples)
        if options["keep_thresholds"]:
            before = learned.loads(learned.PATH.read_text("utf-8"))
            model = replace(model, alarm=before.alarm, doubt=before.doubt)
        else:
            model = self._tried(model, examples, authors=options["authors"])
        model = replace(model, made_of=training.made_of(paths))
        written = learned.dumps(model)
        self.stdout.write(f"\nalarm {model.alarm}, doubt {model.doubt}, {len(written.encode())} bytes\n")
        if not options["dry_run"]:
            learned.PATH.write_text(written, "utf-8")

    def _tried(self, model: Model, examples: list[Example], *, authors: bool) -> Model:
        """Print what is found in unseen texts, and return the model with its thresholds."""
        for name, group in trial.GROUPS.items():
            if name != trial.DECISIVE and not authors:
                continue
            tried = list(trial.trials(examples, group))
            fitted = trial.with_thresholds(model, tried)
            self.stdout.write(f"\n{name}\n{trial.table(fitted, tried)}\n")
            if name == trial.DECISIVE:
                model = fitted
        return model


def _by_rules(text: str) -> bool:
    return any(found_by_rules(view) for view in views(text))
