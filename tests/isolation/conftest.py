"""Two tenants, each with a member who has a row of hers in every table."""

from __future__ import annotations

import pytest

from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden


@pytest.fixture
def hers(acme: TenantWithUsers) -> Garden:
    """Rows of acme's member."""
    return Garden(acme.tenant, acme.member, "mkacmemember").all()


@pytest.fixture
def colleagues(acme: TenantWithUsers) -> Garden:
    """Rows of another user of the same tenant."""
    return Garden(acme.tenant, acme.viewer, "mkacmeviewer").all()


@pytest.fixture
def strangers(globex: TenantWithUsers) -> Garden:
    """Rows of another tenant's member."""
    return Garden(globex.tenant, globex.member, "mkglobexmember").all()
