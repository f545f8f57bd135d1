"""API keys: what a program of a member holds in place of a password."""

from services.api_keys.models import ApiKey
from services.api_keys.service import (
    IssuedKey,
    authenticate_api_key,
    create_api_key,
    is_api_key,
    list_api_keys,
    revoke_api_key,
    revoke_api_keys_of,
    touch_api_key,
)

__all__ = [
    "ApiKey",
    "IssuedKey",
    "authenticate_api_key",
    "create_api_key",
    "is_api_key",
    "list_api_keys",
    "revoke_api_key",
    "revoke_api_keys_of",
    "touch_api_key",
]
