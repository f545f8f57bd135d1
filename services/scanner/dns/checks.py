"""Checks of records and name servers. Each judges facts and looks at nothing itself."""

from ipaddress import IPv6Address, ip_network

from services.scanner.address import Address
from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.facts import DnsFacts, Records, ServerFacts, ServerState
from services.scanner.resolver import Lookup

_ENOUGH_SERVERS = 2
_PREFIXES = {4: 24, 6: 48}


@check(
    "dns.caa.missing",
    rationale="Without CAA every certificate authority of the world may issue for the domain.",
    remediation="Publish CAA records that name your certificate authorities (issue, issuewild).",
    sources=("RFC 8659", "CA/Browser Forum Baseline Requirements 3.2.2.8"),
)
def caa_missing(facts: DnsFacts) -> Verdict:
    caa = facts.caa
    if caa.lookup is Lookup.PRESENT:
        return Verdict.passed(f"CAA at {caa.found_at}")
    if caa.lookup in {Lookup.BROKEN, Lookup.UNKNOWN}:
        return Verdict.not_evaluated(f"CAA could not be looked up: {caa.reason}")
    return Verdict.failed(f"No CAA record at {facts.name} or above it")


@check(
    "dns.caa.no_iodef",
    rationale="With iodef a certificate authority can report a refused request: a sign that "
    "somebody tried.",
    remediation='Add a CAA record such as 0 iodef "mailto:security@…".',
    sources=("RFC 8659 section 4.4",),
)
def caa_no_iodef(facts: DnsFacts) -> Verdict:
    caa = facts.caa
    if caa.lookup in {Lookup.BROKEN, Lookup.UNKNOWN}:
        return Verdict.not_evaluated(f"CAA could not be looked up: {caa.reason}")
    if not caa.records:
        return Verdict.not_applicable("there is no CAA record")
    contacts = [record.value for record in caa.records if record.tag == "iodef" and record.value]
    if contacts:
        return Verdict.passed("iodef names " + ", ".join(contacts[:3]))
    return Verdict.failed("CAA names no contact (iodef)", evidence={"found_at": caa.found_at})


def _addresses(facts: DnsFacts) -> list[Address]:
    found = {address for server in facts.name_servers for address in server.addresses}
    return sorted(found, key=lambda address: (address.version, int(address)))


def _unless_servers_known(facts: DnsFacts) -> Verdict | None:
    if not facts.ns.is_known:
        return Verdict.not_evaluated(f"NS could not be looked up: {facts.ns.reason}")
    if not facts.name_servers:
        return Verdict.not_applicable(f"{facts.zone} has no NS record")
    unknown = [server for server in facts.name_servers if not server.is_known]
    if unknown and _server_count(facts) < _ENOUGH_SERVERS:
        reasons = "; ".join(server.reason or server.name for server in unknown)
        return Verdict.not_evaluated(f"name servers could not be looked up: {reasons}")
    return None


def _server_count(facts: DnsFacts) -> int:
    """A server with IPv4 and IPv6 is one server."""
    versions = [address.version for address in _addresses(facts)]
    return max(versions.count(4), versions.count(6))


@check(
    "dns.ns.single",
    rationale="When the only name server is down, the domain is: site, mail and all.",
    remediation="Add a second name server, in another network.",
    sources=("RFC 1034 section 4.1", "RFC 2182"),
)
def ns_single(facts: DnsFacts) -> Verdict:
    if (unknown := _unless_servers_known(facts)) is not None:
        return unknown
    count = _server_count(facts)
    if count >= _ENOUGH_SERVERS:
        return Verdict.passed(f"{count} name server addresses")
    evidence = {server.name: [str(a) for a in server.addresses] for server in facts.name_servers}
    words = "One name server address" if count else "No name server with an address"
    return Verdict.failed(f"{words} serves {facts.zone}", evidence={"name_servers": evidence})


@check(
    "dns.ns.same_network",
    rationale="Name servers in one network share one line, one router and one fault.",
    remediation="Spread the name servers over networks and places.",
    sources=("RFC 2182 section 3.1",),
)
def ns_same_network(facts: DnsFacts) -> Verdict:
    if (unknown := _unless_servers_known(facts)) is not None:
        return unknown
    addresses = _addresses(facts)
    if _server_count(facts) < _ENOUGH_SERVERS:
        return Verdict.not_applicable("fewer than two name servers: see dns.ns.single")
    if any(not server.is_known for server in facts.name_servers):
        return Verdict.not_evaluated("not every name server could be looked up")
    networks = {
        str(ip_network((a, _PREFIXES[a.version]), strict=False)): a.version for a in addresses
    }
    families = list(networks.values())
    if any(families.count(version) > 1 for version in _PREFIXES):
        return Verdict.passed(f"the name servers stand in {len(networks)} networks")
    return Verdict.failed(
        "All name servers are in " + " and ".join(networks),
        evidence={"networks": list(networks), "addresses": [str(a) for a in addresses]},
    )


@check(
    "dns.ipv6.missing",
    rationale="A part of the users reaches the service only through somebody's translator.",
    remediation="Add AAAA records, first for the web server, then for mail and name servers.",
    sources=("Regulation (EU) 2024/2690 annex 6.7.2(j)", "RFC 6540 (BCP 177)"),
)
def ipv6_missing(facts: DnsFacts) -> Verdict:
    for records in (facts.aaaa, facts.a):
        if not records.is_known:
            return Verdict.not_evaluated(f"addresses could not be looked up: {records.reason}")
    if _is_present(facts.aaaa):
        return Verdict.passed(f"{facts.name} has an AAAA record")
    if not _is_present(facts.a):
        return Verdict.not_applicable(f"{facts.name} has no address at all")
    have_ipv6 = any(isinstance(address, IPv6Address) for address in _addresses(facts))
    return Verdict.failed(
        f"{facts.name} has no AAAA record",
        evidence={"ipv4": list(facts.a.values), "name_servers_have_ipv6": have_ipv6},
    )


def _is_present(records: Records) -> bool:
    return records.lookup is Lookup.PRESENT


def _asked(facts: DnsFacts) -> list[ServerFacts]:
    return [server for server in facts.servers if server.state is not ServerState.NOT_ASKED]


def _unless_reached(facts: DnsFacts) -> Verdict | None:
    """Where nobody answers, our own network may be what is closed: no verdict."""
    asked = _asked(facts)
    if not asked:
        refusal = next((server.reason for server in facts.servers), "no address is known")
        return Verdict.not_evaluated(f"no name server was asked: {refusal}")
    if all(server.state is ServerState.SILENT for server in asked):
        return Verdict.not_evaluated("no name server answered us directly")
    return None


@check(
    "dns.ns.lame",
    rationale="A name server that does not serve the zone costs every visitor time and leaves "
    "fewer servers than planned.",
    remediation="Correct the delegation, or load the zone on the server named.",
    sources=("RFC 1912 section 2.8", "RFC 1034 section 4.2.2", "RFC 9199 section 3"),
)
def ns_lame(facts: DnsFacts) -> Verdict:
    unknown = _unless_reached(facts)
    problems = () if unknown is not None else _lame_servers(facts)
    if (difference := _difference(facts)) is not None:
        problems += (difference,)
    if problems:
        return Verdict.failed_each(problems)
    if unknown is not None:
        return unknown
    return Verdict.passed("every name server asked serves the zone")


def _lame_servers(facts: DnsFacts) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            f"The name server {server.address} does not serve {facts.zone}: {server.reason}",
            discriminator=str(server.address),
            evidence={"address": str(server.address), "state": server.state.value},
        )
        for server in _asked(facts)
        if server.state is not ServerState.SERVES
    )


def _difference(facts: DnsFacts) -> Problem | None:
    """Between the servers that the parent names and those that the zone names itself."""
    parent = set(facts.delegation.name_servers)
    child = {value.lower() for value in facts.ns.values}
    if not parent or not child or parent == child:
        return None
    return Problem(
        f"{facts.delegation.parent} and {facts.zone} name different name servers for the zone",
        discriminator="parent",
        severity=Severity.LOW,
        evidence={
            "only_in_parent": sorted(parent - child),
            "only_in_zone": sorted(child - parent),
        },
    )


@check(
    "dns.axfr.open",
    rationale="A zone transfer hands the map of the network to anybody who asks.",
    remediation="Allow transfers to your secondaries alone, by TSIG key or address.",
    sources=("RFC 5936 section 5",),
)
def axfr_open(facts: DnsFacts) -> Verdict:
    if (unknown := _unless_reached(facts)) is not None:
        return unknown
    problems = tuple(
        Problem(
            f"{server.address} gives the whole zone {facts.zone} to anybody",
            discriminator=str(server.address),
            evidence={"address": str(server.address), "records_read": server.transfer_records},
        )
        for server in facts.servers
        if server.is_transfer_open
    )
    if problems:
        return Verdict.failed_each(problems)
    if all(server.is_transfer_open is None for server in facts.servers):
        return Verdict.not_evaluated("no transfer could be tried")
    return Verdict.passed("zone transfers are refused")


CHECKS = (
    caa_missing,
    caa_no_iodef,
    ns_single,
    ns_same_network,
    ns_lame,
    axfr_open,
    ipv6_missing,
)
