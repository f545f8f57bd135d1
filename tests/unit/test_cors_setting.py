"""Origins are a closed list, each of them whole."""

import pytest
from pydantic import ValidationError

from services.settings import Settings

_GOOD = {
    "database_url": "postgresql://app@db/nis2",
    "redis_url": "redis://redis",
    "secret_key": "s" * 32,
}


def test_origins_are_a_list_in_one_variable() -> None:
    given = {**_GOOD, "cors_origins": "https://App.example.org, http://localhost:5173"}

    settings = Settings.model_validate(given)

    assert settings.cors_origins == ("https://app.example.org", "http://localhost:5173")


@pytest.mark.parametrize(
    "bad", ["*", "app.example.org", "https://app.example.org/", "ftp://example.org", "https://"]
)
def test_what_is_no_origin_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({**_GOOD, "cors_origins": bad})
