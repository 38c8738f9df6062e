"""`manage.py privacy`: exports or erases a person, checks a receipt, lets rows expire, works on jobs left lying."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Tenant
from accounts.privacy import jobs, persons, receipts, retention
from accounts.privacy.models import ExportPart, PrivacyJob
from accounts.privacy.rows import USING, Person
from agentos.core.errors import AgentOSError


class Command(BaseCommand):
    help = "Export or erase what is held of a person in a tenant, or in all of hers; check a receipt; let rows expire."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["export", "erase", "verify", "retention", "resume"])
        parser.add_argument("file", type=Path, nargs="?", help="verify: the receipt, as JSON")
        parser.add_argument("--user", default="", help="her e-mail address or id")
        parser.add_argument("--tenant", default="", help="the slug of one tenant; all that know her without it")
        parser.add_argument("--out", type=Path, default=Path(), help="export: the folder for the archives")
        parser.add_argument("--dry-run", action="store_true", help="retention: count what would go, delete nothing")
        parser.add_argument("--yes", action="store_true", help="erase: do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(options)
        except AgentOSError as error:
            raise CommandError(error.detail) from error

    def _export(self, options: dict[str, Any]) -> None:
        for person, slug in self._persons(options):
            job = self._done(jobs.start(person, jobs.EXPORT))
            path = options["out"] / f"export-{slug}-{person.user_id}.zip"
            parts = ExportPart.objects.using(USING).filter(job_id=job.id).order_by("number")
            with path.open("wb") as file:
                path.chmod(0o600)
                for data in parts.values_list("data", flat=True).iterator(chunk_size=1):
                    file.write(data)
            parts.delete()
            self.stdout.write(f"{slug}: {sum(job.progress.values())} rows in {path}")

    def _erase(self, options: dict[str, Any]) -> None:
        found = self._persons(options)
        slugs = ", ".join(slug for _, slug in found)
        if not options["yes"] and input(f"Erase {options['user']} from {slugs} for good? Type yes: ") != "yes":
            raise CommandError("Nothing was erased.")
        for person, _ in found:
            job = self._done(jobs.start(person, jobs.ERASE))
            self.stdout.write(json.dumps(job.receipt, indent=1))

    def _verify(self, options: dict[str, Any]) -> None:
        if options["file"] is None:
            raise CommandError("Name the receipt's file.")
        receipt = receipts.read(options["file"].read_bytes())
        if receipt is None or not receipts.verify(receipt):
            raise CommandError("This is not a receipt of this installation, or it was changed.")
        self.stdout.write(f"genuine: {receipt['kind']} of {receipt['subject']}, finished {receipt['finished_at']}")

    def _retention(self, options: dict[str, Any]) -> None:
        """Delete what has expired by the data map, the tenants' own limits and legal holds, or count it by table."""
        word = "would go" if options["dry_run"] else "gone"
        for found in retention.expire(dry_run=options["dry_run"]):
            for table, count in sorted(found.rows.items()):
                self.stdout.write(f"{found.tenant}: {table}: {count} {word}")
            if found.held:
                self.stdout.write(f"{found.tenant}: a legal hold keeps what it covers")
            if not found.rows:
                self.stdout.write(f"{found.tenant}: nothing {word}")

    def _resume(self, options: dict[str, Any]) -> None:
        done = jobs.resume()
        self.stdout.write(f"{done['found']} found, {done['done']} done")

    def _persons(self, options: dict[str, Any]) -> list[tuple[Person, str]]:
        """Return whom it is about, in each tenant that knows her."""
        user = persons.find(options["user"])
        tenants = Tenant.objects.using(USING).order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
        found = [(Person(tenant.id, user.id), tenant.slug) for tenant in tenants] if user else []
        known = [(person, slug) for person, slug in found if persons.is_known(person)]
        if not known:
            raise CommandError("There is no such person, or no tenant that knows her.")
        return known

    def _done(self, job: PrivacyJob) -> PrivacyJob:
        jobs.work(str(job.id))
        job.refresh_from_db(using=USING)
        return job
