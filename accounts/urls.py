"""The pages' small POSTs, the pages of the second factor, of invitations and of providers."""

from __future__ import annotations

from django.urls import path

from accounts.pages import accepting, oidc, second_factor, signing, support, your_data

urlpatterns = [
    path("sign-in/", signing.sign_in, name="sign_in"),
    path("dev-sign-in/", signing.dev_sign_in, name="dev_sign_in"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("switch-tenant/", signing.switch_tenant, name="switch_tenant"),
    path("second-factor/", second_factor.ask, name="second_factor"),
    path("second-factor/enrol/", second_factor.enrol, name="second_factor_enrol"),
    path("invitation/<str:token>/", accepting.accept, name="invitation"),
    path("oidc/<slug:provider_id>/", oidc.begin, name="oidc_begin"),
    path("oidc/<slug:provider_id>/callback/", oidc.finish, name="oidc_callback"),
    path("privacy/", your_data.mine, name="privacy"),
    path("privacy/archives/<uuid:job_id>/", your_data.archive, name="privacy_archive"),
    path("support/", support.enter, name="support"),
    path("support/leave/", support.leave, name="support_leave"),
    path("security/", second_factor.security, name="security"),
    path("security/begin/", second_factor.begin, name="security_begin"),
    path("security/codes/", second_factor.renew_codes, name="security_codes"),
    path("security/remove/", second_factor.remove, name="security_remove"),
]
