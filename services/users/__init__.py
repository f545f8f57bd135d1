"""People: their rows, their passwords, their refresh tokens."""

from services.users.models import RefreshToken, User

__all__ = ["RefreshToken", "User"]
