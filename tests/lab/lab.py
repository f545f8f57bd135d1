"""The lab as a whole: addresses, names, certificates, servers, and the settings to scan it with.

    with Lab(directory) as lab:
        cases = [*web.cases(lab), *mail.cases(lab)]
        lab.serve_dns()
        ...  # nis2 scan with lab.environment

Servers stand on their real ports, each target at a loopback address of its own, so the lab needs
a user who may open ports below 1024.
"""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Self

from tests.lab.acceptor import Acceptor, Talk, in_tls
from tests.lab.certificates import Authority, Identity, in_days
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Denial, ZoneSpec
from tests.lab.pages import answering
from tests.lab.web_server import Page

_BLOCKS = range(129, 250)
"""Second bytes of loopback addresses: each lab has a /16 of its own, so that several can run."""
_LOCK_PORT = 4
_TLD = "lab"
_DNS_PORT, _HTTP_PORT, _HTTPS_PORT = 53, 80, 443
GOOD_MAIL = """
@ TXT "v=spf1 -all"
@ MX 0 .
@ CAA 0 issue "lab.ca"
@ CAA 0 iodef "mailto:security@lab.ca"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"
"""
"""A domain that sends and takes no mail, and says so."""


class Lab:
    """Collects what the rooms of ``ground`` ask for; ``serve_dns`` comes last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority.create("NIS2 Gateway Lab Root")
        self.intermediate = self.authority.subordinate("NIS2 Gateway Lab Intermediate")
        self.zones: dict[str, ZoneSpec] = {}
        self.faults: dict[str, Fault] = {}
        self.name_servers: dict[str, dict[str, Fault]] = {}
        """Further name servers by address, each with what it does wrong."""
        self.recursive_servers: list[str] = []
        """Further servers that look up any name for anybody."""
        self.registrations: dict[str, Page] = {}
        """RDAP answers by domain."""
        self.files: dict[str, Page] = {}
        """What http://files.lab/ serves: issuers, CRLs."""
        self._block = 0
        self._addresses = self._numbered()
        self._numbers = count(1)
        self._stack = ExitStack()
        self._servers = Acceptor()
        self._hosts: dict[str, list[str]] = {_TLD: []}

    def __enter__(self) -> Self:
        """Raises OSError where ports below 1024 cannot be had."""
        self._stack.enter_context(self._servers)
        self._block = self._take_block()
        for number in (1, 2):
            self.host(_TLD, f"ns{number} A {self.infrastructure(number)}")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _take_block(self) -> int:
        """The first /16 that no other lab has taken."""
        for block in _BLOCKS:
            lock = socket.socket()
            try:
                lock.bind((f"127.{block}.255.1", _LOCK_PORT))
            except PermissionError:
                lock.close()
                raise
            except OSError:
                lock.close()
                continue
            self._stack.callback(lock.close)
            return block
        raise OSError("every block of addresses is taken by another lab")

    def address(self) -> str:
        """A loopback address that no other target has."""
        return next(self._addresses)

    def infrastructure(self, network: int, host: int = 1) -> str:
        """An address for what is no target: each ``network`` is another /24, up to 15."""
        return f"127.{self._block}.{240 + network}.{host}"

    def _numbered(self) -> Iterator[str]:
        for third in range(240):
            for fourth in range(1, 255):
                yield f"127.{self._block}.{third}.{fourth}"

    def unique(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers)}"

    def listen(self, address: str, port: int, talk: Talk) -> None:
        self._servers.listen(address, port, talk)

    def datagrams(self, address: str, port: int) -> socket.socket:
        """A UDP socket for as long as the lab lasts."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.callback(server.close)
        server.bind((address, port))
        return server

    def make(self, *command: str) -> None:
        """A program that ends by itself: OpenSSL, for what no library makes any more."""
        subprocess.run(command, cwd=self.directory, check=True, capture_output=True)  # noqa: S603 - the lab's own words

    def run(self, *command: str) -> None:
        """A program that runs for as long as the lab does."""
        process = subprocess.Popen(  # noqa: S603 - the lab's own words
            command,
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def host(self, domain: str, *records: str) -> None:
        """More records for a shared, well-kept domain such as ``web.lab``."""
        self._hosts.setdefault(domain, []).extend(records)

    def zone(self, spec: ZoneSpec, fault: Fault | None = None) -> None:
        self.zones[spec.origin] = spec
        if fault is not None:
            self.faults[spec.origin] = fault

    def context(self, identity: Identity) -> ssl.SSLContext:
        """TLS 1.2 and 1.3 with suites of today alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        context.load_cert_chain(*identity.write(self.directory, self.unique("server")))
        return context

    def identity(self, *names: str) -> Identity:
        """A certificate as it should be."""
        return self.intermediate.issue(names, not_after=in_days(60))

    @cached_property
    def environment(self) -> dict[str, str]:
        return {
            "NIS2_SCAN_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "NIS2_SCAN_DNS_SERVERS": f"{self.infrastructure(0)}:{_DNS_PORT}",
            "NIS2_SCAN_CA_FILE": str(self.authority.write(self.directory)),
            "NIS2_SCAN_DNSSEC_ANCHOR_FILE": str(self.directory / "anchor.txt"),
            "NIS2_SCAN_RDAP_BOOTSTRAP_URL": "https://rdap.lab/dns.json",
            "NIS2_RATE_LIMITS": "off",
            "NIS2_SCAN_SNMP": "on",
        }

    def serve_dns(self) -> None:
        """Everything that needs to know all targets: DNS, the registry, files of authorities."""
        self._serve_registry()
        self.host(_TLD, f"files A {self.infrastructure(3, 2)}")
        self.listen(
            self.infrastructure(3, 2), _HTTP_PORT, answering(lambda r: self.files.get(r.path))
        )
        for domain, records in self._hosts.items():
            kept = GOOD_MAIL.format(domain=domain) if domain != _TLD else ""
            text = kept + "\n".join(records)
            self.zones[domain] = ZoneSpec(domain, text, denial=Denial.NSEC3)
        resolver = DnsLab(self.zones.values(), self.faults, self.infrastructure(0), _DNS_PORT)
        self._stack.enter_context(resolver)
        resolver.write_anchor(self.directory / "anchor.txt")
        for address in self.recursive_servers:
            faults = {".": Fault.NOT_AUTHORITATIVE}
            self._stack.enter_context(resolver.authoritative(address, _DNS_PORT, faults))
        own = (self.infrastructure(1), self.infrastructure(2))
        for address in (*own, *self.name_servers):
            faults = self.name_servers.get(address)
            self._stack.enter_context(resolver.authoritative(address, _DNS_PORT, faults))

    def _serve_registry(self) -> None:
        self.host(_TLD, f"rdap A {self.infrastructure(3)}")
        bootstrap = {"version": "1.0", "services": [[["lab"], ["https://rdap.lab/"]]]}
        self.registrations["dns.json"] = Page(body=json.dumps(bootstrap).encode())
        far = json.dumps(
            {
                "objectClassName": "domain",
                "events": [
                    {
                        "eventAction": "expiration",
                        "eventDate": (in_days(0) + timedelta(days=300)).strftime(
                            "%Y-%m-%dT%H:%M:%SZ"
                        ),
                    }
                ],
            }
        ).encode()
        usual = Page(headers=(("Content-Type", "application/rdap+json"),), body=far)
        talk = answering(lambda r: self.registrations.get(r.path.rpartition("/")[2], usual))
        context = self.context(self.authority.issue(["rdap.lab"]))
        self.listen(self.infrastructure(3), _HTTPS_PORT, in_tls(context, talk))
