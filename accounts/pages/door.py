"""The admin's log-in form: Django's view, but the session is opened by `accounts.entering`."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import reverse

from accounts.entering import enter
from accounts.models import User


class Door(LoginView):
    """Checks the password; a second factor may follow before anybody is signed in."""

    def form_valid(self, form: Any) -> HttpResponse:
        return enter(self.request, cast(User, form.get_user()), via="password", then=self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")
