"""Providers that a setting names: an unsafe entry stops the start."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import posture
from accounts.services import providers
from agentos.core.errors import ConfigError

GOOD = {"id": "corp", "name": "Corp", "issuer": "https://id.example", "client_id": "x", "client_secret": "y"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"issuer": "http://id.example"}, "https"),
        ({"id": "Corp!"}, "id"),
        ({"client_id": ""}, "client_id"),
        ({"scope": "email"}, "openid"),
        ({"unknown_users": "create"}, "unknown_users"),
        ({"unknown_users": "groups"}, "none is listed"),
        ({"groups": [{"group": "a", "tenant": "acme", "role": "admin"}]}, "administrator"),
        ({"tenants": ["globex"], "groups": [{"group": "a", "tenant": "acme", "role": "member"}]}, "not in tenants"),
        ({"secret": "y"}, "secret"),
        ({"client_secret_file": "/nowhere/secret"}, "cannot be read"),
    ],
    ids=str,
)
def test_an_unsafe_entry_is_refused(settings: Any, change: dict[str, Any], word: str) -> None:
    settings.PROVIDERS = [GOOD]
    assert posture.trust() == []
    settings.PROVIDERS = [{**GOOD, **change}]
    assert [found.id for found in posture.trust()] == ["accounts.E020"]
    assert word in str(posture.trust()[0].msg)


def test_no_provider_is_there_twice_and_a_secret_may_be_a_file(settings: Any, tmp_path: Any) -> None:
    settings.PROVIDERS = [GOOD, {**GOOD, "issuer": "https://other.example"}]
    with pytest.raises(ConfigError, match="twice"):
        providers.configured()
    (tmp_path / "secret").write_text("kept\n")
    settings.PROVIDERS = [{**GOOD, "client_secret_file": str(tmp_path / "secret")}]
    assert providers.of_id("corp").secret == "kept"
    settings.PROVIDERS = [{**GOOD, "client_secret": "hidden-from-logs"}]
    assert "hidden" not in repr(providers.of_id("corp"))
