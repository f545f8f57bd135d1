"""Settings of a process, read once from ``NIS2_*`` variables and handed down.

Durations are seconds where the name says so. Nothing else in the code reads the environment.
"""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.scanner.address import AddressPolicy, Network
from services.scanner.context import ProbeOptions, parse_server
from services.version import VERSION


class ScanSettings(BaseSettings):
    """What the scan engine needs; it runs without a database (``nis2 scan``)."""

    model_config = SettingsConfigDict(env_prefix="NIS2_", frozen=True, extra="ignore")

    scan_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks that may be scanned although they are loopback, private or reserved."""
    scan_dns_servers: Annotated[tuple[str, ...], NoDecode] = ()
    """Resolvers as ``address[:port]``; empty means the system's."""
    scan_ca_file: Path | None = None
    """Extra trusted roots (PEM), treated as public ones."""
    scan_dnssec_anchor_file: Path | None = None
    """Root trust anchor, DS or DNSKEY lines; None means the IANA root."""
    scan_rdap_bootstrap_url: AnyHttpUrl = AnyHttpUrl("https://data.iana.org/rdap/dns.json")
    scan_contact_url: str = "https://example.org/nis2-gateway"
    """Stands in the User-Agent of every probe, so that whoever is scanned can ask why."""
    scan_max_connections_per_address: int = Field(default=4, ge=1, le=64)
    scan_connections_per_second: float = Field(default=40.0, gt=0)
    """Token bucket per address, for full connections (the port sweep has its own pace)."""
    scan_ports_in_flight: int = Field(default=500, ge=1, le=10_000)
    """Sockets the port sweep keeps open at once, in one process."""

    def probe_options(self) -> ProbeOptions:
        return ProbeOptions(
            user_agent=f"NIS2-Gateway/{VERSION} (+{self.scan_contact_url})",
            dns_servers=tuple(parse_server(text) for text in self.scan_dns_servers),
            ca_file=self.scan_ca_file,
            dnssec_anchor_file=self.scan_dnssec_anchor_file,
            rdap_bootstrap_url=str(self.scan_rdap_bootstrap_url),
            connections_per_address=self.scan_max_connections_per_address,
            connections_per_second=self.scan_connections_per_second,
            ports_in_flight=self.scan_ports_in_flight,
        )

    def address_policy(self) -> AddressPolicy:
        return AddressPolicy(self.scan_allowed_networks)

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
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    database_url: str
    """The application's role; never the owner of the tables."""
    migration_database_url: str | None = None
    """The owner's connection, for migrations only."""
    redis_url: str
    secret_key: SecretStr = Field(min_length=32)
    """Signing secret, at least 32 bytes."""
    rate_limits: Literal["on", "off"] = "on"
    environment: Literal["development", "production"] = "development"
    """Production marks session cookies ``Secure``."""

    access_token_lifetime: timedelta = timedelta(minutes=30)
    refresh_token_idle: timedelta = timedelta(days=7)
    refresh_token_lifetime: timedelta = timedelta(days=30)
    registration: Literal["on", "off"] = "on"
    password_memory_kib: int = Field(default=19_456, ge=8)
    """argon2id memory cost; OWASP's 19 MiB with two passes and one lane."""
    password_time_cost: int = Field(default=2, ge=1)

    database_pool_size: int = Field(default=10, ge=1)
    worker_jobs: int = Field(default=8, ge=1, le=200)
    """Jobs one worker runs at once."""
    scan_batch_size: int = Field(default=16, ge=1, le=1024)
    """Targets in one batch: what a lost worker may have to repeat."""
    scan_lease_s: float = Field(default=30.0, gt=1)
    report_lifetime: timedelta = timedelta(days=7)
    max_body_bytes: int = 1_048_576

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

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value.partition("://")[0] not in {"redis", "rediss", "unix"}:
            raise ValueError("must be a redis://, rediss:// or unix:// address")
        return value
