"""From the answer to a hello to what it says about versions and suites. Pure."""

from services.scanner.tls.codec import Alert
from services.scanner.tls.exchange import Answer, Ending
from services.scanner.tls.facts import PoolFacts, Support, VersionFacts
from services.scanner.tls.hello import ClientHello, ServerHello
from services.scanner.tls.suites import suite_name
from services.scanner.tls.wire import Extension, Version, group_name

# Alerts that are about the name, the client or the moment, and say nothing about the offer:
# close_notify, access_denied, user_canceled, unrecognized_name, certificate_required.
_SAYS_NOTHING = frozenset({0, 49, 90, 112, 116})


def is_refusal(alert: Alert | None) -> bool:
    """Whether an alert turns down the offer itself."""
    return alert is not None and alert.ends_handshake and alert.description not in _SAYS_NOTHING


def support_of(answer: Answer, hello: ClientHello) -> tuple[Support, str]:
    """What the answer says about the version and suites of the hello, and in which words."""
    chosen = answer.flight.server_hello
    if answer.ending is Ending.HELLO and chosen is not None:
        return _support_of_choice(chosen, hello, answer.reason)
    if answer.ending is Ending.CUT_OFF:
        return Support.REFUSED, answer.reason
    if answer.ending is Ending.ALERT and is_refusal(answer.flight.alert):
        return Support.REFUSED, answer.reason
    return Support.UNKNOWN, answer.reason


def _support_of_choice(chosen: ServerHello, hello: ClientHello, reason: str) -> tuple[Support, str]:
    if chosen.version < hello.version:
        known = {version.value: version.label for version in Version}
        other = known.get(chosen.version, f"0x{chosen.version:04x}")
        return Support.REFUSED, f"the server chose {other} instead"
    if chosen.version > hello.version or chosen.suite not in hello.offered:
        return Support.UNKNOWN, "the server chose what was not offered"
    return Support.ACCEPTED, reason


def version_facts(answer: Answer, hello: ClientHello) -> VersionFacts:
    """Everything one version hello told."""
    support, reason = support_of(answer, hello)
    chosen = answer.flight.server_hello
    if support is not Support.ACCEPTED or chosen is None:
        return VersionFacts(hello.version, support, reason)
    exchange = answer.flight.key_exchange
    group = chosen.group if chosen.group is not None else exchange and exchange.group
    sent = chosen.extensions
    has_renegotiation = hello.version < Version.TLS13
    return VersionFacts(
        hello.version,
        support,
        reason,
        suite=suite_name(chosen.suite),
        group=None if group is None else group_name(group),
        dh_prime_bits=exchange.dh_prime_bits if exchange else None,
        compression=chosen.compression,
        secure_renegotiation=Extension.RENEGOTIATION_INFO in sent if has_renegotiation else None,
        extended_master_secret=(
            Extension.EXTENDED_MASTER_SECRET in sent if has_renegotiation else None
        ),
        encrypt_then_mac=Extension.ENCRYPT_THEN_MAC in sent if has_renegotiation else None,
    )


def pool_facts(answer: Answer, hello: ClientHello) -> PoolFacts:
    """What the answer to a hello with weak suites alone told."""
    support, reason = support_of(answer, hello)
    chosen, exchange = answer.flight.server_hello, answer.flight.key_exchange
    if support is not Support.ACCEPTED or chosen is None:
        return PoolFacts(support, reason)
    if exchange is not None and exchange.group is not None and exchange.group not in hello.groups:
        return PoolFacts(Support.REFUSED, f"the server took {group_name(exchange.group)} instead")
    if exchange is not None and exchange.signature not in {None, *hello.signatures}:
        return PoolFacts(Support.REFUSED, "the server signed in another way than was offered")
    bits = exchange.dh_prime_bits if exchange else None
    group = None if exchange is None or exchange.group is None else group_name(exchange.group)
    encrypts_then_macs = Extension.ENCRYPT_THEN_MAC in chosen.extensions
    suite = suite_name(chosen.suite)
    is_signed = exchange is not None and exchange.signature is not None
    return PoolFacts(support, reason, suite, bits, encrypts_then_macs, group, is_signed)
