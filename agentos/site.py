"""The admin site: whoever has a tenant may enter, the inbox is its first page, and its menu is `agentos.console`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

SCRIPT_WORDS_SECONDS = 3600


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]
    """What a member may see in it is decided model by model, by her scopes."""

    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        from unfold.forms import AuthenticationForm

        class SignIn(AuthenticationForm):  # type: ignore[misc]
            error_messages = {
                **AuthenticationForm.error_messages,
                "invalid_login": "E-mail address and password don't fit together, or there were too many attempts.",
            }

            def confirm_login_allowed(self, user: Any) -> None:
                if not user.is_active:
                    raise ValidationError(self.error_messages["inactive"], code="inactive")

        self.login_form = SignIn
        super().__init__(name)

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and getattr(request, "principal", None) is not None

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Keep who was signed out while she filled in a form from the log-in form, where it would be lost."""
        from accounts.pages.door import signed_out

        entered = super().admin_view(view, cacheable)

        @wraps(entered)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            leaves = request.path == reverse(f"{self.name}:logout")
            if request.method == "POST" and not leaves and not self.has_permission(request):
                return signed_out(request)
            response: HttpResponse = entered(request, *args, **kwargs)
            if isinstance(response, HttpResponseNotAllowed) and request.method == "GET":
                response.content = render_to_string("405.html")
            return response

        return shown

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return Django's own list of tables, made when somebody looks at it: on most pages only our menu stands."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from agentos.tabs import tabs

        return {**super().each_context(request), "list_tabs": tabs(request), "colors": {}}

    def theme(self, request: HttpRequest) -> str:
        """Return the style sheet of the theme's colours: in the page itself the content security policy forbids it."""
        colors = self._get_colors("COLORS", request).items()
        lines = [f"--color-{name}-{weight}: {value};" for name, weights in colors for weight, value in weights.items()]
        radius = f"--border-radius: {self._get_config('BORDER_RADIUS', request)};"
        return ":root {\n  " + "\n  ".join([radius, *lines]) + "\n}\n"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        chosen = request.META.get("QUERY_STRING", "")  # a tab, a search
        return HttpResponseRedirect(f"{_first_page(request)}?{chosen}" if chosen else _first_page(request))

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let browsers keep what the admin's scripts say: every page asks for it, and only a release changes it."""
        response: HttpResponse = super().i18n_javascript(request, extra_context)
        patch_cache_control(response, private=True, max_age=SCRIPT_WORDS_SECONDS)
        return response

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Answer 404: no form of ours looks for its choices by an address that takes any field of any model."""
        raise Http404

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Show the form; whoever fills it in rightly goes the same way on as from every other page."""
        from accounts.pages.door import Door
        from accounts.services import providers
        from agentos.views import demo_users

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse(f"{self.name}:index"))
        request.current_app = self.name
        context = {
            **self.each_context(request),
            "title": "Sign in",
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            "demo_users": demo_users(request),
            "providers": providers.configured(),
            **(extra_context or {}),
        }
        view = Door.as_view(
            extra_context=context, authentication_form=self.login_form, template_name="admin/login.html"
        )
        return view(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """End the session as the other pages do, and show the form again."""
        from accounts.entering import leave

        if request.method == "POST":
            leave(request)
        response: HttpResponseBase = super().logout(request, extra_context)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Show Django's page, saved by our service: it ends tokens and sessions of the old password, and audits."""
        from django.contrib.auth.views import PasswordChangeView

        from accounts.console import principal_of
        from accounts.pages.forms import OwnPasswordForm

        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(OwnPasswordForm, principal=principal_of(request)),
            success_url=reverse(f"{self.name}:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)


class ConsoleConfig(AdminConfig):
    """Stands in INSTALLED_APPS for django.contrib.admin, beside unfold.apps.BasicAppConfig."""

    default_site = "agentos.site.ConsoleSite"


def _first_page(request: HttpRequest) -> str:
    """Return the inbox; for who decides nothing and watches the whole tenant, the dashboard."""
    from accounts.console import principal_of
    from governance import dashboard, selectors

    principal = principal_of(request)
    watches = dashboard.may_see(principal) and not selectors.may_decide(principal)
    return reverse("dashboard" if watches else "admin:governance_approval_changelist")
