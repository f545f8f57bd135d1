"""Hosts, ports, SSH, and services that should not face the internet."""

from dataclasses import replace
from ipaddress import ip_address

from services.scanner.net.checks import NameFacts, ScopeFacts
from services.scanner.net.facts import HostFacts, PortFacts, PortState, PortView, Service
from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.ssh.facts import Algorithms, SshFacts
from services.scanner.tls.facts import Support
from tests.scanner.outcomes.samples import Sample, Samples

ADDRESS = ip_address("192.0.2.1")
HOST = "host.test"


def _host(*states: PortState) -> HostFacts:
    return HostFacts(HOST, PortFacts(ADDRESS, dict(enumerate(states, start=1))))


NET_SAMPLES: Samples = {
    "net.host.unreachable": Sample(
        _host(PortState.OPEN),
        _host(PortState.SILENT),
        NameFacts(HOST, "no answer", is_known=False),
    ),
    "net.port.open": Sample(
        PortView(80, PortState.CLOSED),
        PortView(80, PortState.OPEN, Service(80, "http")),
        PortView(80, PortState.SILENT),
    ),
    "net.port.unresponsive": Sample(
        PortView(80, PortState.OPEN, Service(80, "http")),
        PortView(80, PortState.OPEN, Service(80, has_spoken=False)),
        PortView(80, PortState.OPEN),
    ),
    "net.target.out_of_scope": Sample(
        ScopeFacts(HOST, ("192.0.2.1",)),
        ScopeFacts(HOST, ("10.0.0.1",), (("10.0.0.1", "private"),)),
        ScopeFacts(HOST, ()),
    ),
}

OFFER = Algorithms(
    kex=("mlkem768x25519-sha256", "kex-strict-s-v00@openssh.com"),
    host_keys=("ssh-ed25519",),
    ciphers_in=("aes256-ctr",),
    ciphers_out=("aes256-ctr",),
    macs_in=("hmac-sha2-256-etm@openssh.com",),
    macs_out=("hmac-sha2-256-etm@openssh.com",),
)
SSH = SshFacts("SSH-2.0-OpenSSH", (2, 0), OFFER)
NO_OFFER = SshFacts("SSH-2.0-OpenSSH", (2, 0), problem="it sent no list")


def _offering(**lists: tuple[str, ...]) -> Sample:
    offer = replace(OFFER, **lists)  # pyright: ignore[reportArgumentType]  # fields by name
    return Sample(SSH, replace(SSH, algorithms=offer), NO_OFFER)


SSH_SAMPLES: Samples = {
    "ssh.protocol.v1": Sample(SSH, SshFacts("SSH-1.5-old", (1, 5))),
    "ssh.kex.weak": _offering(kex=("diffie-hellman-group1-sha1",)),
    "ssh.hostkey.weak": _offering(host_keys=("ssh-dss",)),
    "ssh.cipher.weak": _offering(ciphers_in=("arcfour",)),
    "ssh.mac.weak": _offering(macs_in=("hmac-md5",)),
    "ssh.terrapin": _offering(
        kex=("curve25519-sha256",), ciphers_in=("chacha20-poly1305@openssh.com",)
    ),
    "ssh.kex.pqc_missing": _offering(kex=("curve25519-sha256",)),
}


def _service(
    kind: Kind,
    product: str,
    access: Access = Access.UNKNOWN,
    *,
    tls: Support = Support.UNKNOWN,
) -> ServiceFacts:
    problem = "it did not answer" if access is Access.UNKNOWN else ""
    return ServiceFacts(kind, product, access, "its answer", tls=tls, problem=problem)


def _access(kind: Kind, product: str) -> Sample:
    return Sample(
        _service(kind, product, Access.DENIED),
        _service(kind, product, Access.OPEN),
        _service(kind, product),
    )


def _offers_tls(kind: Kind, product: str) -> Sample:
    return Sample(
        _service(kind, product, Access.DENIED, tls=Support.ACCEPTED),
        _service(kind, product, Access.DENIED, tls=Support.REFUSED),
        _service(kind, product, Access.DENIED),
    )


NOTHING = _service(Kind.OTHER, "")

SERVICE_SAMPLES: Samples = {
    "svc.db.unauthenticated": _access(Kind.DATABASE, "Redis"),
    "svc.db.exposed": Sample(
        NOTHING,
        _service(Kind.DATABASE, "Redis", Access.DENIED),
        _service(Kind.DATABASE, "Redis", Access.OPEN),
    ),
    "svc.db.no_tls": _offers_tls(Kind.DATABASE, "PostgreSQL"),
    "svc.docker.unauthenticated": _access(Kind.CONTAINER_API, "Docker"),
    "svc.vnc.unauthenticated": _access(Kind.DESKTOP, "VNC"),
    "svc.remote_admin.exposed": Sample(
        NOTHING,
        _service(Kind.DESKTOP, "RDP", Access.DENIED),
        _service(Kind.DESKTOP, "VNC", Access.OPEN),
    ),
    "svc.smb.exposed": Sample(NOTHING, _service(Kind.FILE_SHARE, "SMB")),
    "svc.cleartext.telnet": Sample(NOTHING, _service(Kind.TERMINAL, "Telnet")),
    "svc.cleartext.ftp": _offers_tls(Kind.FTP, "FTP"),
    "svc.ftp.anonymous": _access(Kind.FTP, "FTP"),
    "svc.snmp.public": _access(Kind.MANAGEMENT, "SNMP"),
    "svc.dns.open_resolver": _access(Kind.RESOLVER, "DNS"),
}

SAMPLES: Samples = {**NET_SAMPLES, **SSH_SAMPLES, **SERVICE_SAMPLES}
