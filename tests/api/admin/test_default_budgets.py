"""The budgets of new accounts as JSON."""

from typing import Any

import pytest

from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.conftest import As
from tests.cast import run

URL = "/admin/api/default-budgets"
BODY = {"daily": 1000, "monthly": None, "total": 50_000, "type": "subscription"}


def test_default_budget_is_what_new_accounts_of_the_role_get(alice: Account, admin: Account, as_: As) -> None:
    assert as_(admin).put(f"{URL}/user", json=BODY).json() == {"role": "user", "limits": BODY}
    assert as_(admin).get(URL).json() == [
        {"role": "user", "limits": BODY},
        {"role": "expert", "limits": None},
        {"role": "admin", "limits": None},
    ]
    assert run(limits, alice.id) == Limits()
    none = {"daily": None, "monthly": None, "total": None}
    assert as_(admin).put(f"{URL}/user", json=none).json() == {"role": "user", "limits": None}


@pytest.mark.parametrize("change", [{"daily": -1}, {"daily": "1000"}, {"type": "weekly"}, {"role": "user"}])
def test_malformed_default_budget_is_refused(admin: Account, as_: As, change: dict[str, Any]) -> None:
    assert as_(admin).put(f"{URL}/user", json=BODY | change).status_code == 422
    assert as_(admin).put(f"{URL}/guest", json=BODY).status_code == 422
    assert as_(admin).put(f"{URL}/user", json={"daily": 1}).status_code == 422
    assert as_(admin).get(URL).json()[0]["limits"] is None
