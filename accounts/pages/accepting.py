"""The page behind an invitation's link: a new person makes her account there, one who has an account joins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import entering
from accounts.addresses import are_same
from accounts.models import Invitation
from accounts.pages.forms import NewAccountForm
from accounts.principals import Principal
from accounts.services import invitations, sign_ins
from agentos.core.errors import CallerError, Gone


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the invitation is to, and take it up by POST: a mail scanner that looks at the link uses up nothing."""
    try:
        invitation = invitations.open_by(token)
        if sign_ins.by_email(invitation.email) is None:
            response = _as_new(request, invitation, token)
        else:
            response = _as_known(request, invitation, token)
    except Gone as error:
        response = render(request, "accounts/invitation_gone.html", {"problem": error.detail}, status=410)
    except CallerError as error:
        response = render(request, "accounts/invitation_gone.html", {"problem": error.detail}, status=403)
    # The address is the secret. With "no-referrer" a browser would call the form's own origin null, which is refused.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def _as_new(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    form = NewAccountForm(request.POST or None, email=invitation.email)
    if request.method == "GET" or not form.is_valid():
        return render(request, "accounts/invitation.html", {"invitation": invitation, "form": form})
    said = form.cleaned_data
    user = invitations.accept_as_new(token, name=said["name"], password=said["password"])
    return entering.enter(request, user, via="invitation", then="/", tenant_id=str(invitation.tenant_id))


def _as_known(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    principal: Principal | None = getattr(request, "principal", None)
    is_she = principal is not None and are_same(principal.email, invitation.email)
    if request.method == "GET" or principal is None or not is_she:
        context = {"invitation": invitation, "is_she": is_she, "principal": principal}
        return render(request, "accounts/invitation_known.html", context)
    invitations.accept_as(token, user_id=principal.user_id)
    entering.move(request, invitation.tenant_id)
    return redirect("/")
