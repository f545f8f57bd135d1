"""Settings refuse what would go wrong later."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.settings import ScanSettings, Settings

_GOOD = {
    "database_url": "postgresql://app@db/nis2",
    "redis_url": "redis://redis",
    "secret_key": "s" * 32,
}


def test_any_postgresql_address_is_read_as_one_for_asyncpg() -> None:
    settings = Settings.model_validate({**_GOOD, "database_url": "postgres://app@db/nis2"})

    assert settings.database_url == "postgresql+asyncpg://app@db/nis2"


@pytest.mark.parametrize(
    "bad",
    [
        {"secret_key": "short"},
        {"database_url": "sqlite:///nis2.db"},
        {"redis_url": "http://redis"},
        {"port": 70_000},
        {"rate_limits": "sometimes"},
        {"scan_allowed_networks": "10.0.0.0/33"},
        {"scan_dns_servers": "no-address"},
    ],
)
def test_a_wrong_setting_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({**_GOOD, **bad})


def test_what_is_required_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        monkeypatch.delenv(f"NIS2_{name}", raising=False)

    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({})

    assert {item["loc"][0] for item in refused.value.errors()} == {
        "database_url",
        "redis_url",
        "secret_key",
    }


def test_networks_and_resolvers_are_lists_in_one_variable() -> None:
    settings = ScanSettings.model_validate(
        {"scan_allowed_networks": "127.0.0.0/8, ::1/128", "scan_dns_servers": "127.0.0.1:5300,::1"}
    )

    assert [str(network) for network in settings.scan_allowed_networks] == [
        "127.0.0.0/8",
        "::1/128",
    ]
    servers = settings.probe_options().dns_servers
    assert [(str(address), port) for address, port in servers] == [("127.0.0.1", 5300), ("::1", 53)]


def test_a_file_may_hold_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("f" * 40 + "\n")
    given = {name: value for name, value in _GOOD.items() if name != "secret_key"}

    settings = Settings.model_validate({**given, "secret_key_file": file})

    assert settings.secret_key.get_secret_value() == "f" * 40


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="NIS2_SMTP_URL_FILE"):
        Settings.model_validate({**_GOOD, "smtp_url_file": tmp_path / "absent"})
