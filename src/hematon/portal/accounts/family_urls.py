"""Addresses of families' sign-in and of what families and referring clinicians do there."""

from __future__ import annotations

from django.urls import path

from hematon.portal.accounts import account_views as own
from hematon.portal.accounts import sign_in_views as views

urlpatterns = [
    path("", own.my_access, name="my_access"),
    path("home/", own.my_home, name="my_home"),
    path("sign-in/", views.family_sign_in, name="family_sign_in"),
    path("sign-in/code/", views.family_code, name="family_code"),
    path("sign-in/passkey/", views.passkey_sign_in, name="passkey_sign_in"),
    path("sign-out/", views.sign_out, name="family_sign_out"),
    path("session/", views.stay_signed_in, name="stay_signed_in"),
    path("confirm/", own.confirm, name="account_confirm"),
    path("confirm/code/", own.confirm_code, name="account_confirm_code"),
    path("confirm/passkey/", own.confirm_passkey, name="account_confirm_passkey"),
    path("passkeys/add/", own.add_passkey, name="add_passkey"),
    path("passkeys/<int:pk>/remove/", own.remove_passkey, name="remove_passkey"),
    path("address/", own.change_address, name="change_address"),
    path("address/code/", own.new_address_code, name="new_address_code"),
    path("sessions/others/end/", own.end_other_sessions, name="end_other_sessions"),
    path("sessions/<uuid:pk>/end/", own.end_session, name="end_session"),
    path("delete/", own.delete_account, name="delete_account"),
]
