"""The forms in which a user chooses her password: a first one with her account, and another one later."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from unfold.forms import AdminOwnPasswordChangeForm

from accounts.models import User
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


class NewAccountForm(forms.Form):
    """A name and a password, typed twice, for the account that an invitation makes."""

    name = forms.CharField(max_length=200, label="Your name")
    password = forms.CharField(max_length=1024, strip=False, widget=forms.PasswordInput, label="Password")
    again = forms.CharField(max_length=1024, strip=False, widget=forms.PasswordInput, label="The password again")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email
        self.fields["name"].widget.attrs.update(autocomplete="name", autofocus=True)
        for field in ("password", "again"):
            self.fields[field].widget.attrs.update(autocomplete="new-password")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        password = said.get("password", "")
        if password != said.get("again"):
            self.add_error("again", "The two passwords differ.")
        elif password:
            try:
                validate_password(password, User(email=self._email, name=said.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return said
