"""Who is asking: registration, login, tokens, passwords and the profile."""

from services.auth.admission import Admit, admitted_events
from services.auth.identity import Identity
from services.auth.password_change import (
    SEND_PASSWORD_RESET,
    change_password,
    forgot_password,
    reset_password,
    send_password_reset,
    sweep_password_resets,
)
from services.auth.profile import Profile, get_profile, update_profile
from services.auth.service import authenticate, found_another_organization, login, register
from services.auth.sessions import (
    Session,
    logout,
    refresh,
    switch_organization,
)
from services.auth.tokens import AccessClaims

__all__ = [
    "SEND_PASSWORD_RESET",
    "AccessClaims",
    "Admit",
    "Identity",
    "Profile",
    "Session",
    "admitted_events",
    "authenticate",
    "change_password",
    "forgot_password",
    "found_another_organization",
    "get_profile",
    "login",
    "logout",
    "refresh",
    "register",
    "reset_password",
    "send_password_reset",
    "sweep_password_resets",
    "switch_organization",
    "update_profile",
]
