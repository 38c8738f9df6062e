"""The admin's log-in form: Django's view, but the session is opened by `accounts.entering`; and who is sent to it."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.entering import enter, own_place
from accounts.models import User

WRITTEN: Final = ("reason", "text")  # what people write in the console's forms: nothing that is secret


class Door(LoginView):
    """Checks the password; a second factor may follow before anybody is signed in."""

    def form_valid(self, form: Any) -> HttpResponse:
        return enter(self.request, cast(User, form.get_user()), via="password", then=self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")


def signed_out(request: HttpRequest) -> HttpResponse:
    """Tell somebody whose session ended while she wrote: nothing is done, here are her words, there is the page.

    Only for what has passed the check of CSRF tokens: elsewhere a stranger could put words on this page.
    """
    stood_on = urlsplit(own_place(request, request.headers.get("Referer", reverse("admin:index"))))
    query = urlencode({"next": stood_on._replace(scheme="", netloc="").geturl()})
    context = {
        "sign_in": f"{reverse('admin:login')}?{query}",
        "written": [words for name in WRITTEN if (words := request.POST.get(name, "").strip())],
    }
    return render(request, "signed_out.html", context, status=403)
