"""Hosts and ports: dead ones, silent ones, refused ones, IPv6."""

from collections.abc import Iterator

from tests.lab.acceptor import in_tls, silent
from tests.lab.lab import Lab
from tests.lab.truth import Case, ids


def _hang_up(_: object) -> None:
    """Accepts and closes at once."""


def cases(lab: Lab) -> Iterator[Case]:
    dead = lab.address()
    yield Case(
        "net-dead", dead, ids("net.host.unreachable"), ids("net.port.open tls.protocol.none")
    )
    lab.host("net.lab", f"dead A {lab.address()}")
    yield Case(
        "net-dead-by-name", "dead.net.lab", ids("net.host.unreachable"), ids("net.port.open")
    )
    yield Case("net-no-such-name", "nobody.net.lab", ids("net.host.unreachable"))
    lab.host("net.lab", 'text-alone TXT "hello"')
    yield Case("net-no-address", "text-alone.net.lab", ids("net.host.unreachable"))
    lab.host("net.lab", "metadata A 169.254.169.254")
    yield Case(
        "net-metadata", "metadata.net.lab", ids("net.target.out_of_scope"), ids("net.port.open")
    )
    lab.host("net.lab", "inside A 10.1.2.3")
    yield Case("net-private", "inside.net.lab", ids("net.target.out_of_scope"))
    lab.host("net.lab", "mapped AAAA ::ffff:10.1.2.3")
    yield Case("net-mapped", "mapped.net.lab", ids("net.target.out_of_scope"))
    for name, talk in (("silent", silent), ("hangs-up", _hang_up)):
        address = lab.address()
        for port in (23, 3389, 6379):
            lab.listen(address, port, talk)
        traps = ids(
            "svc.cleartext.telnet svc.remote_admin.exposed svc.db.unauthenticated svc.db.exposed"
            " net.host.unreachable"
        )
        yield Case(f"net-{name}", address, ids("net.port.open net.port.unresponsive"), traps)
    yield from _over_ipv6(lab)


def _over_ipv6(lab: Lab) -> Iterator[Case]:
    """At the one address of IPv6's loopback, where no other lab stands there already."""
    good = ids("net.host.unreachable tls.protocol.none tls.cert.hostname_mismatch dns.ipv6.missing")
    context = lab.context(lab.identity("six.net.lab", "both.net.lab"))
    try:
        lab.listen("::1", 443, in_tls(context, silent))
    except OSError:
        return
    # The machine's own servers listen there as well.
    own = ids("svc.db.unauthenticated svc.db.exposed svc.db.no_tls http.redirect.missing")
    lab.host("net.lab", "six AAAA ::1")
    yield Case("net-ipv6-alone", "six.net.lab", ids("net.port.open"), good, own)
    address = lab.address()
    lab.listen(address, 443, in_tls(context, silent))
    lab.host("net.lab", f"both A {address}", "both AAAA ::1")
    yield Case("net-both-families", "both.net.lab", ids("net.port.open"), good)
