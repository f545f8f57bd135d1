"""Settings of a process, read once from ``NIS2_*`` variables and handed down.

Durations are seconds where the name says so. Nothing else in the code reads the environment.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AnyHttpUrl,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.keyring import Keyring
from services.scanner.address import AddressPolicy, Network
from services.scanner.context import ProbeOptions, parse_server
from services.version import VERSION

_SECRET_BYTES = 32
_SECRETS = ("database_url", "migration_database_url", "redis_url", "secret_key", "smtp_url")


class ScanSettings(BaseSettings):
    """What the scan engine needs; it runs without a database (``nis2 scan``)."""

    model_config = SettingsConfigDict(
        env_prefix="NIS2_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # passwords stand in some of the addresses
    )

    scan_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks that may be scanned although they are loopback, private or reserved."""
    scan_dns_servers: Annotated[tuple[str, ...], NoDecode] = ()
    """Resolvers as ``address[:port]``; empty means the system's."""
    scan_ca_file: Path | None = None
    """Extra trusted roots (PEM), treated as public ones."""
    scan_dnssec_anchor_file: Path | None = None
    """Root trust anchor, DS or DNSKEY lines; None means the IANA root."""
    scan_hsts_preload_file: Path | None = None
    """Chromium's ``transport_security_state_static.json``; None means the installed list."""
    scan_rdap_bootstrap_url: AnyHttpUrl = AnyHttpUrl("https://data.iana.org/rdap/dns.json")
    scan_snmp: Literal["on", "off"] = "off"
    """Whether the SNMP community "public" is tried: one datagram, and intrusive to some."""
    scan_contact_url: str = "https://example.org/nis2-gateway"
    """Stands in the User-Agent of every probe, so that whoever is scanned can ask why."""
    scan_max_connections_per_address: int = Field(default=4, ge=1, le=64)
    scan_connections_per_second: float = Field(default=40.0, gt=0)
    """Token bucket per address, for full connections (the port sweep has its own pace)."""
    scan_connections_per_second_per_organization: float = Field(default=400.0, gt=0)
    """The same over all addresses that one worker scans for one organization."""
    scan_ports_in_flight: int = Field(default=500, ge=1, le=10_000)
    """Sockets the port sweep keeps open at once, in one process."""

    def probe_options(self) -> ProbeOptions:
        return ProbeOptions(
            user_agent=f"NIS2-Gateway/{VERSION} (+{self.scan_contact_url})",
            dns_servers=tuple(parse_server(text) for text in self.scan_dns_servers),
            ca_file=self.scan_ca_file,
            dnssec_anchor_file=self.scan_dnssec_anchor_file,
            hsts_preload_file=self.scan_hsts_preload_file,
            rdap_bootstrap_url=str(self.scan_rdap_bootstrap_url),
            tries_public_community=self.scan_snmp == "on",
            connections_per_address=self.scan_max_connections_per_address,
            connections_per_second=self.scan_connections_per_second,
            connections_per_second_per_payer=self.scan_connections_per_second_per_organization,
            ports_in_flight=self.scan_ports_in_flight,
        )

    def address_policy(self, own_endpoints: tuple[tuple[Network, int], ...] = ()) -> AddressPolicy:
        """``own_endpoints`` are refused whatever networks are allowed."""
        return AddressPolicy(self.scan_allowed_networks, own_endpoints)

    @field_validator("scan_allowed_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value

    @field_validator("scan_dns_servers", mode="before")
    @classmethod
    def _servers(cls, value: object) -> object:
        if isinstance(value, str):
            parts = tuple(part.strip() for part in value.split(",") if part.strip())
            for part in parts:
                parse_server(part)  # a wrong one is refused at the start, not at the first scan
            return parts
        return value


class Settings(ScanSettings):
    """What gateway and worker need. Refuses to load when something required is missing."""

    data_dir: Path | None = None
    """Embedded servers, secrets and logs of ``make up``."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Where Prometheus reads; None: nowhere. ``nis2 up`` gives the worker the port after it."""
    tracing_endpoint: AnyHttpUrl | None = None
    """Where spans go (OTLP over HTTP, ``http://collector:4318/v1/traces``); None: nowhere."""
    tracing_ratio: float = Field(default=1.0, ge=0, le=1)
    """The share of traces that are kept."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    database_url: str
    """The application's role; never the owner of the tables."""
    migration_database_url: str | None = None
    """The owner's connection, for migrations only."""
    database_url_file: Path | None = None
    """A file that holds the value, for each setting that is a secret: ``NIS2_…_FILE``."""
    migration_database_url_file: Path | None = None
    redis_url_file: Path | None = None
    secret_key_file: Path | None = None
    smtp_url_file: Path | None = None
    redis_url: str
    secret_key: SecretStr
    """The secret that keys are made from, at least 32 bytes."""
    secret_key_previous: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Earlier secrets, newest first: what they signed and sealed stays good."""
    rate_limits: Literal["on", "off"] = "on"
    rate_limit_per_user: int = Field(default=600, ge=1)
    """Requests of one user in a minute; the two below are per address."""
    rate_limit_per_address: int = Field(default=1200, ge=1)
    rate_limit_sign_in: int = Field(default=60, ge=1)
    """Logins, registrations and forgotten passwords in a minute."""
    quota_running_scans: int = Field(default=2, ge=1)
    """Scans of one organization at once; more wait."""
    quota_pending_scans: int = Field(default=20, ge=1)
    """Scans of one organization that wait; more are refused."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Front ends on other origins: ``https://app.example.org,…``."""
    security_contact: str | None = Field(default=None, pattern=r"^(mailto:|https://|tel:)[!-~]+$")
    """Whom to tell of a weakness, as a URI: stands in our ``/.well-known/security.txt``."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses or networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    graphql_introspection: Literal["on", "off"] = "on"
    """Whether whoever is logged in may ask for the GraphQL schema; nobody else ever may."""
    graphql_suggestions: Literal["on", "off"] = "off"
    """Whether errors of GraphQL name what else there is."""
    graphql_documents: Literal["open", "log", "only"] = "open"
    """Which GraphQL documents run: any, any with a line in the log, those of the manifest."""
    graphql_documents_file: Path | None = Field(default=None, validate_default=True)
    """The manifest of trusted documents, a JSON object from names to texts."""
    environment: Literal["development", "production"] = "development"
    """Production marks session cookies ``Secure``."""

    access_token_lifetime: timedelta = timedelta(minutes=30)
    refresh_token_idle: timedelta = timedelta(days=7)
    refresh_token_lifetime: timedelta = timedelta(days=30)
    registration: Literal["on", "off"] = "on"
    invitation_lifetime: timedelta = timedelta(days=7)
    password_reset_lifetime: timedelta = timedelta(hours=1)

    smtp_url: SecretStr | None = None
    """``smtp://`` (STARTTLS if offered; required for a password) or ``smtps://``; None: no mail."""
    mail_from: str | None = Field(default=None, validate_default=True)
    """The sender of our mails; needed with ``smtp_url``."""
    app_url: AnyHttpUrl | None = None
    """A front end: mails link to its ``/accept-invitation`` and ``/reset-password``."""
    password_memory_kib: int = Field(default=19_456, ge=8)
    """argon2id memory cost; OWASP's 19 MiB with two passes and one lane."""
    password_time_cost: int = Field(default=2, ge=1)

    database_pool_size: int = Field(default=10, ge=1)
    worker_jobs: int = Field(default=8, ge=1, le=200)
    """Jobs one worker runs at once."""
    worker_finish_s: int = Field(default=15, ge=1, le=3600)
    """After SIGTERM: how long running jobs may go on before they are handed back."""
    scan_batch_size: int = Field(default=16, ge=1, le=1024)
    """Targets in one batch: what a lost worker may have to repeat."""
    scan_lease_s: float = Field(default=30.0, gt=1)
    report_lifetime: timedelta = timedelta(days=7)
    max_body_bytes: int = 1_048_576

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, Any]) -> dict[str, Any]:  # Any: as given
        """A value that is given itself wins; white space around a file's is not part of it."""
        for name in _SECRETS:
            file = values.get(f"{name}_file")
            if file and not values.get(name):
                try:
                    values[name] = Path(file).read_text(encoding="utf-8").strip()
                except OSError as error:
                    variable = f"NIS2_{name.upper()}_FILE"
                    raise ValueError(f"{variable} {file}: {error.strerror}") from error
        return values

    @property
    def keyring(self) -> Keyring:
        secrets = (self.secret_key, *self.secret_key_previous)
        return Keyring(tuple(secret.get_secret_value() for secret in secrets))

    @property
    def sends_mail(self) -> bool:
        return self.smtp_url is not None

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        origins = tuple(part.strip().lower() for part in value.split(",") if part.strip())
        for origin in origins:
            parts = urlsplit(origin)
            is_origin = parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}"
            if not parts.hostname or is_origin != origin:
                raise ValueError(f"{origin!r} is no origin: https://host[:port], no path, no *")
        return origins

    @field_validator("graphql_documents_file")
    @classmethod
    def _manifest(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("graphql_documents") == "only":
            raise ValueError("NIS2_GRAPHQL_DOCUMENTS=only needs a manifest")
        if value is not None and not value.is_file():
            raise ValueError("must be a file")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
                raise ValueError("must be smtp://[user:password@]host[:port] or smtps://…")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_is_whole(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "smtp_url" in info.data and (info.data["smtp_url"] is None) != (value is None):
            raise ValueError("NIS2_SMTP_URL and NIS2_MAIL_FROM are needed together")
        if value is not None and not parseaddr(value)[1].partition("@")[2]:
            raise ValueError("must be an e-mail address, or Name <address>")
        return value

    @field_validator("tracing_endpoint")
    @classmethod
    def _can_trace(cls, value: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if value is not None and find_spec("opentelemetry.exporter") is None:
            raise ValueError(
                "the packages for it are missing: pip install --no-deps --require-hashes"
                " -r requirements/tracing.txt"
            )
        return value

    def probe_options(self) -> ProbeOptions:
        """With a key of its own for the hashes that stand for found secrets (SEC-1)."""
        secret = self.secret_key.get_secret_value().encode()
        key = hashlib.sha256(b"nis2-gateway found secrets\0" + secret).digest()
        return replace(super().probe_options(), secret_hash_key=key)

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _asyncpg(cls, value: str | None) -> str | None:
        """Any PostgreSQL address is read as one for asyncpg."""
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
            raise ValueError("must be a postgresql:// address")
        return f"postgresql+asyncpg://{rest}"

    @field_validator("secret_key_previous", mode="before")
    @classmethod
    def _previous(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("secret_key", "secret_key_previous")
    @classmethod
    def _long_enough(
        cls, value: SecretStr | tuple[SecretStr, ...]
    ) -> SecretStr | tuple[SecretStr, ...]:
        for secret in value if isinstance(value, tuple) else (value,):
            if len(secret.get_secret_value().encode()) < _SECRET_BYTES:
                raise ValueError(
                    f"needs at least {_SECRET_BYTES} bytes; 'openssl rand -base64 48' makes one"
                )
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value.partition("://")[0] not in {"redis", "rediss", "unix"}:
            raise ValueError("must be a redis://, rediss:// or unix:// address")
        return value
