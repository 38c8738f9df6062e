"""The pages' small POSTs."""

from __future__ import annotations

from django.urls import path

from accounts import views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("dev-sign-in/", views.dev_sign_in, name="dev_sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("switch-tenant/", views.switch_tenant, name="switch_tenant"),
]
