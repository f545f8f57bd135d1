"""People: their rows, their passwords, their refresh tokens."""

from services.users.models import PasswordReset, RefreshToken, User

__all__ = ["PasswordReset", "RefreshToken", "User"]
