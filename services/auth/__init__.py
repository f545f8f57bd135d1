"""Who is asking: registration, login, tokens and the profile."""

from services.auth.service import (
    Identity,
    Profile,
    Session,
    authenticate,
    get_profile,
    login,
    logout,
    refresh,
    refuse_reused,
    register,
    update_profile,
)

__all__ = [
    "Identity",
    "Profile",
    "Session",
    "authenticate",
    "get_profile",
    "login",
    "logout",
    "refresh",
    "refuse_reused",
    "register",
    "update_profile",
]
