"""The form in which a signed-in user changes her own password; the service ends what the old one opened."""

from __future__ import annotations

from typing import Any

from unfold.forms import AdminOwnPasswordChangeForm

from accounts.principals import Principal
from accounts.services import tokens


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]  # unfold has no types
    """As Django's, but saved by the service for the principal who has signed in."""

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._principal = principal

    def save(self, commit: bool = True) -> Any:
        tokens.change_password(self._principal, password=self.cleaned_data["new_password1"])
        self.user.refresh_from_db(fields=["password", "token_version"])  # the view renews this session by them
        return self.user
