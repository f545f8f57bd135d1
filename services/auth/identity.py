"""The tools of authentication."""

from dataclasses import dataclass
from datetime import timedelta

from services.auth.tokens import AccessTokens
from services.settings import Settings
from services.users.passwords import PasswordHasher


@dataclass(frozen=True, slots=True)
class Identity:
    """The tools of authentication, one set per process."""

    passwords: PasswordHasher
    access_tokens: AccessTokens
    refresh_idle: timedelta
    refresh_lifetime: timedelta
    registration_open: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Identity":
        return cls(
            passwords=PasswordHasher(
                memory_kib=settings.password_memory_kib, time_cost=settings.password_time_cost
            ),
            access_tokens=AccessTokens(settings.keyring, settings.access_token_lifetime),
            refresh_idle=settings.refresh_token_idle,
            refresh_lifetime=settings.refresh_token_lifetime,
            registration_open=settings.registration == "on",
        )
