"""Nothing of a tenant's or a user's is kept in files: those that are written are these, and tables take the rest.

So whatever row-level security, export, erasure, backup and the walks over tables cover is all that there is. What has
to be a file one day needs a place by tenant and user, and a walk of its own, before it stands here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import FileField

WRITES = {
    "accounts/audit_checkpoints.py": "signed numbers and hashes of all trails",
    "accounts/management/commands/audit.py": "what an operator takes out for an auditor",
    "accounts/management/commands/catalog.py": "sums of what migrations make, a document of ours",
    "accounts/privacy/export.py": "members of an archive that the next one keeps",
    "accounts/privacy/jobs.py": "an archive on its way into the database: a file without a name",
    "accounts/privacy/ledger.py": "ids of who was erased, and how many they are",
    "accounts/privacy/management/commands/data_map.py": "a document of ours",
    "accounts/privacy/management/commands/privacy.py": "what an operator takes out for a person",
    "agents/scaffold/component.py": "code of a new component",
    "governance/management/commands/guard_train.py": "what the guard has learned of labelled texts",
}
MAKERS = {
    *("write_text", "write_bytes", "mkdir", "makedirs", "mkstemp", "mkdtemp", "symlink_to", "copyfile", "copytree"),
    *("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory"),
    *("FileSystemStorage", "fdopen", "touch", "hardlink_to"),
    *("Popen", "create_subprocess_exec", "create_subprocess_shell"),
}
BY_MODULE = {"shutil", "subprocess", "default_storage"}  # whatever is called of them: git writes branches and worktrees


def writes(source: str) -> Iterator[int]:
    """Yield the lines on which a module writes to the disk, or opens something to write."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        of = getattr(node.func.value, "id", "") if isinstance(node.func, ast.Attribute) else ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        said = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("mode", "opener"))]
        modes = [each.value for each in said if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        opens = name == "open" and any(set(mode) & set("wxa+") and len(mode) <= 3 for mode in modes)
        if name in MAKERS or of in BY_MODULE or (of, name) == ("os", "open") or opens:
            yield node.lineno


def test_only_these_write_files() -> None:
    """Of the platform's own folder what writes is the server: its database, logs, keys and backups, and the bench."""
    root = Path(settings.BASE_DIR)
    packages = {path.parent for path in root.glob("*/__init__.py")} - {root / "agentos", root / "tests"}
    modules = [path for package in packages for path in package.rglob("*.py")]
    assert len(modules) > 200
    found = {str(path.relative_to(root)) for path in modules if list(writes(path.read_text("utf-8")))}
    assert found == set(WRITES)


@pytest.mark.parametrize(
    "line",
    [
        *("open(p, 'wb')", "p.open('a')", "p.write_text(x)", "open(p, mode='x')", "tempfile.mkdtemp()"),
        *("os.open(p, flags)", "shutil.copy(p, q)", "default_storage.save(p, x)", "subprocess.run(['git', 'branch'])"),
    ],
)
def test_what_writes_is_seen(line: str) -> None:
    assert list(writes(line)) == [1]
    assert list(writes("open(p)\np.open('rb')\np.read_text()\nrow.save()\nkept.copy()")) == []


def test_no_table_keeps_a_name_of_a_file() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.local_fields]
    assert [str(field) for field in fields if isinstance(field, FileField)] == []
