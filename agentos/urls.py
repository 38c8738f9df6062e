"""Where every path goes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from agentos import views
from agentos.api import api
from agentos.dashboard import dashboard_page
from agentos.metrics import metrics_page
from agents import halts_page
from governance.pages import policies as policy_pages
from governance.pages.access import access_page
from governance.pages.consents import consents_page
from governance.pages.notifications import notifications_page

urlpatterns = [
    path("api/", api.urls),
    path("admin/access/", admin.site.admin_view(access_page), name="access"),
    path("admin/dashboard/", admin.site.admin_view(dashboard_page), name="dashboard"),
    path("admin/consents/", admin.site.admin_view(consents_page), name="consents"),
    path("admin/notifications/", admin.site.admin_view(notifications_page), name="notifications"),
    path("admin/policies/", include(policy_pages.urls)),
    path("admin/halts/", include(halts_page.urls)),
    path("admin/theme.css", views.theme, name="theme"),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("metrics", metrics_page, name="metrics"),
    path("", views.home, name="home"),
]
