"""What a server chooses when the offer is odd: reversed, weak curves alone, SHA-1 alone.

And whether it staples: one that has not, is asked once more, for some fetch the staple only when
the first client asks for it.
"""

from dataclasses import replace

from services.scanner.tls.assessment import Assessment
from services.scanner.tls.extensions import sent_logs
from services.scanner.tls.facts import PoolFacts, Support, TlsFacts
from services.scanner.tls.hello import SHA1_SIGNATURES, ClientHello
from services.scanner.tls.reading import pool_facts
from services.scanner.tls.suites import COMMON, NAMES
from services.scanner.tls.wire import WEAK_CURVES, Extension, Version

_CURVE_SUITES = tuple(code for code, name in NAMES.items() if name.startswith("ECDHE_"))
_SIGNED_SUITES = tuple(code for code, name in NAMES.items() if name.startswith(("ECDHE_", "DHE_")))


async def ask_choices(state: Assessment, facts: TlsFacts) -> TlsFacts:
    """Asks only what matters beside what is known. At most four hellos."""
    classic = [version for version in facts.accepted if Version.SSL2 < version < Version.TLS13]
    if not classic:
        return facts
    newest = max(classic)
    name = facts.subject.server_name
    curves = ClientHello(newest, name, suites=_CURVE_SUITES, groups=WEAK_CURVES)
    answer = await state.ask(curves, f"{newest.label}, weak curves alone")
    facts = replace(facts, weak_curve=pool_facts(answer, curves))
    if newest is Version.TLS12:
        signed = ClientHello(newest, name, suites=_SIGNED_SUITES, signatures=SHA1_SIGNATURES)
        answer = await state.ask(signed, f"{newest.label}, signatures with SHA-1 alone")
        facts = replace(facts, sha1_signature=_signed_so(pool_facts(answer, signed)))
    if any(found.support is Support.ACCEPTED for found in facts.pools.values()):
        backwards = ClientHello(newest, name, suites=COMMON[::-1])
        answer = await state.ask(backwards, f"{newest.label}, worst suites first")
        facts = replace(facts, reversed_choice=pool_facts(answer, backwards))
    return facts


def _signed_so(found: PoolFacts) -> PoolFacts:
    """A server that chose a suite and showed no signature proves nothing."""
    if found.support is Support.ACCEPTED and not found.is_signed:
        return PoolFacts(Support.UNKNOWN, "the server did not show how it signs")
    return found


async def ask_staple(state: Assessment, facts: TlsFacts) -> tuple[TlsFacts, bytes | None]:
    """With what is known of the staple, which comes in flights up to TLS 1.2 alone."""
    classic = [v for v in state.accepted if v < Version.TLS13 and state.answers[v].flight.chain]
    if not classic:
        return facts, None
    version = max(classic)
    flight = state.answers[version].flight
    if flight.staple is None and facts.leaf is not None and facts.leaf.ocsp_urls:
        again = await state.ask_version(version, whole_flight=True)
        flight = again.flight if again.flight.chain else flight
    hello = flight.server_hello
    sent = hello.extensions.get(Extension.CERTIFICATE_TIMESTAMPS) if hello is not None else None
    facts = replace(
        facts,
        is_staple_known=True,
        has_staple=flight.staple is not None,
        timestamps_sent=sent_logs(sent),
    )
    return facts, flight.staple
