"""The pages' small POSTs, the pages of the second factor, of invitations and of providers."""

from __future__ import annotations

from django.urls import path

from accounts import factor_views, invitation_views, oidc_views, support_views, views
from accounts.privacy import views as privacy_views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("dev-sign-in/", views.dev_sign_in, name="dev_sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("switch-tenant/", views.switch_tenant, name="switch_tenant"),
    path("second-factor/", factor_views.ask, name="second_factor"),
    path("second-factor/enrol/", factor_views.enrol, name="second_factor_enrol"),
    path("invitation/<str:token>/", invitation_views.accept, name="invitation"),
    path("oidc/<slug:provider_id>/", oidc_views.begin, name="oidc_begin"),
    path("oidc/<slug:provider_id>/callback/", oidc_views.finish, name="oidc_callback"),
    path("privacy/", privacy_views.mine, name="privacy"),
    path("privacy/archives/<uuid:job_id>/", privacy_views.archive, name="privacy_archive"),
    path("support/", support_views.enter, name="support"),
    path("support/leave/", support_views.leave, name="support_leave"),
    path("security/", factor_views.security, name="security"),
    path("security/begin/", factor_views.begin, name="security_begin"),
    path("security/codes/", factor_views.renew_codes, name="security_codes"),
    path("security/remove/", factor_views.remove, name="security_remove"),
]
