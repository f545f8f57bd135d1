"""What a user, and an organization for its users, may choose: a language and a time zone."""

from zoneinfo import ZoneInfo

from services.translations import LOCALES

__all__ = ["LOCALES", "is_locale", "is_timezone"]


def is_locale(value: str) -> bool:
    return value in LOCALES


def is_timezone(value: str) -> bool:
    """Whether this is a name of the IANA time zone database."""
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True
