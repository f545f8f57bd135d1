"""The plan of one TLS assessment: which hellos are sent, in which order, and when to stop.

About eight connections for a modern server. Where no handshake takes less than a second, the plan
shrinks to versions, certificate and weak suites; above four seconds to the first two. A server that
says nothing to two hellos gets no third.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from cryptography import x509

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.dns.caa import find_caa
from services.scanner.dns.zone import parse_name
from services.scanner.suite import ProbeError
from services.scanner.tls.absence import AbsenceFacts, AbsenceSubject
from services.scanner.tls.assessment import CUT_OFF, Assessment
from services.scanner.tls.caa import name_issued_for
from services.scanner.tls.certificates import describe_certificate, read_chain
from services.scanner.tls.chain import chain_by_handshake
from services.scanner.tls.choices import ask_choices, ask_staple
from services.scanner.tls.early_data import ask_early_data
from services.scanner.tls.exchange import Answer, Ending, Line
from services.scanner.tls.facts import (
    Exchange,
    PoolFacts,
    RevocationFacts,
    RevocationStatus,
    Support,
    TlsFacts,
    TlsSubject,
    VersionFacts,
)
from services.scanner.tls.heartbleed import ask_heartbleed
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.issuers import assess_with_fetching, find_issuer
from services.scanner.tls.pools import (
    ask_pools,
    ask_post_quantum,
    ask_suites,
    has_aead,
    has_forward_secrecy,
)
from services.scanner.tls.revocation import Pair, ask_revocation
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import CodecError, Extension, Version

_SLOW_MS, _VERY_SLOW_MS = 1000, 4000
_TOO_SLOW = "not asked: the server's handshakes are slow"
_OTHERS = (Version.TLS13, Version.TLS11, Version.TLS10, Version.SSL3)
_EVERY_VERSION = (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)


async def probe_tls(context: ProbeContext, subject: TlsSubject) -> TlsFacts:
    """Versions, suites, certificate and trust of one endpoint.

    Raises ProbeError when no connection can be had at all; whatever else a target does is a fact.
    """
    observed_at = datetime.now(UTC)
    state = Assessment(Line(context, subject))
    first = await state.ask_version(Version.TLS12, whole_flight=True)
    if first.ending is Ending.NO_CONNECTION:
        raise ProbeError(first.reason)
    if not await _is_worth_asking(state, first):
        return TlsFacts(
            observed_at,
            subject,
            state.versions,
            chain_problem=first.reason,
            exchanges=tuple(state.exchanges),
        )
    await _ask_other_versions(state)
    is_slow = state.pace_ms > _SLOW_MS
    await _ask_again(state, is_slow=is_slow)
    facts = TlsFacts(observed_at, subject, state.versions)
    facts = await _with_certificates(state, facts)
    facts = await _with_suites(state, facts, is_slow=is_slow)
    return replace(facts, exchanges=tuple(state.exchanges))


async def speaks_tls(
    context: ProbeContext, address: Address, port: int, server_name: str | None
) -> bool:
    """Whether a ServerHello or a TLS alert answers one hello that offers every version.

    False as well when nothing is heard in time or no connection can be had.
    """
    line = Line(context, TlsSubject(address, port, server_name))
    hello = ClientHello(Version.TLS13, server_name, also=_EVERY_VERSION)
    return (await line.ask(hello, "any version")).spoke_tls


async def probe_absence(context: ProbeContext, subject: AbsenceSubject) -> AbsenceFacts:
    """A second look at a port that did not speak TLS when it was identified.

    Two hellos, with the whole time-out for each; a port that refuses connections needs no look.
    """
    if not subject.is_open:
        reason = "it refuses connections, and the host has a site on port 80"
        return AbsenceFacts(subject.port, Support.REFUSED, reason)
    line = Line(context, TlsSubject(subject.address, subject.port, subject.server_name))
    any_version = ClientHello(Version.TLS13, subject.server_name, also=_EVERY_VERSION)
    oldest = ClientHello(Version.TLS10, subject.server_name)
    async with asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(line.ask(any_version, "any version")),
            tasks.create_task(line.ask(oldest, Version.TLS10.label)),
        ]
    answers = [task.result() for task in asked]
    support = Support.UNKNOWN
    if any(answer.spoke_tls for answer in answers):
        support = Support.ACCEPTED
    elif all(answer.ending is Ending.NOT_TLS for answer in answers):
        support = Support.REFUSED
    return AbsenceFacts(subject.port, support, answers[0].reason, subject.has_plain_web)


async def _is_worth_asking(state: Assessment, first: Answer) -> bool:
    """No further hellos to what is not TLS, or to what stays silent twice."""
    if first.ending is Ending.NOT_TLS:
        return False
    if first.ending is not Ending.TIMEOUT:
        return True
    second = await state.ask_version(Version.TLS13)
    return second.ending not in {Ending.TIMEOUT, Ending.NOT_TLS}


async def _ask_other_versions(state: Assessment) -> None:
    # Without TLS 1.2 the chain has to come out of an older flight, so it is read whole.
    needs_chain = Version.TLS12 not in state.accepted
    async with asyncio.TaskGroup() as tasks:
        for version in _OTHERS:
            if version not in state.answers:
                tasks.create_task(state.ask_version(version, whole_flight=needs_chain))
        tasks.create_task(state.ask_ssl2())


async def _ask_again(state: Assessment, *, is_slow: bool) -> None:
    """A second try for what was cut off or silent, one at a time, if the server talks at all.

    Many servers cut the connection instead of refusing a version with an alert. That counts as a
    refusal only if they do it twice and take a version that they support directly afterwards;
    else it may as well be a rate limit.
    """
    if not state.accepted:
        return
    cut_off = [
        version
        for version, before in tuple(state.answers.items())
        if _deserves_a_second_try(state, version, is_slow=is_slow)
        and {before.ending, (await _ask_once_more(state, version)).ending} <= CUT_OFF
    ]
    if not cut_off:
        return
    control = max(state.accepted)
    if (await _ask_once_more(state, control)).ending is not Ending.HELLO:
        return
    state.cuts_off_to_refuse = True
    for version in cut_off:
        reason = f"the server cut two hellos off, and took {control.label} directly afterwards"
        state.versions[version] = VersionFacts(version, Support.REFUSED, reason)


def _deserves_a_second_try(state: Assessment, version: Version, *, is_slow: bool) -> bool:
    if state.versions[version].support is not Support.UNKNOWN:
        return False
    return not (is_slow and state.answers[version].ending is Ending.TIMEOUT)


async def _ask_once_more(state: Assessment, version: Version) -> Answer:
    return await state.ask_version(version, whole_flight=version is not Version.TLS13)


async def _with_certificates(state: Assessment, facts: TlsFacts) -> TlsFacts:
    sent, missing = await _chain_as_sent(state)
    read, unreadable = read_chain(sent)
    facts = replace(facts, chain_problem=missing or unreadable)
    if not read:
        return facts
    chain = tuple(described for _, described in read)
    trust, fetched = await assess_with_fetching(
        state.line.context, tuple(certificate for certificate, _ in read), facts.observed_at
    )
    more = tuple(describe_certificate(certificate) for certificate in fetched)
    facts = replace(facts, chain=chain, trust=trust, fetched=more)
    facts = await _with_caa(state, facts)
    return await _with_revocation(state, facts, (*(c for c, _ in read), *fetched))


async def _with_caa(state: Assessment, facts: TlsFacts) -> TlsFacts:
    """The CAA set that the issuer of a trusted leaf had to obey, as it stands today."""
    name, leaf = facts.subject.server_name, facts.leaf
    issued_for = name_issued_for(leaf.dns_names, name) if name and leaf else ""
    if not issued_for or not facts.trust.is_trusted:
        return facts
    subject = parse_name(issued_for.removeprefix("*."))
    caa = await find_caa(state.line.context.resolver, subject)
    return replace(facts, issued_for=issued_for, caa=caa)


async def _with_revocation(
    state: Assessment, facts: TlsFacts, certificates: tuple[x509.Certificate, ...]
) -> TlsFacts:
    facts, staple = await ask_staple(state, facts)
    leaf, *others = certificates
    context = state.line.context
    issuer = await find_issuer(context, leaf, tuple(others))
    if issuer is None or facts.leaf is None:
        reason = "the issuer's certificate is not at hand, so nothing it signed can be verified"
        return replace(facts, revocation=RevocationFacts(RevocationStatus.NOT_ASKED, reason))
    pair = Pair(leaf, issuer, facts.observed_at)
    return replace(facts, revocation=await ask_revocation(context, pair, facts.leaf, staple))


async def _chain_as_sent(state: Assessment) -> tuple[tuple[bytes, ...], str]:
    """The chain out of a flight in clear, else out of a TLS 1.3 handshake, else why not."""
    problem = "no version was accepted"
    for version in sorted(set(state.accepted) - {Version.TLS13}, reverse=True):
        answer = state.answers[version]
        if answer.flight.chain:
            return answer.flight.chain, ""
        problem = answer.problem or "the server sent no certificate"
    if Version.TLS13 not in state.accepted:
        return (), problem
    started = time.monotonic()
    try:
        chain = await chain_by_handshake(state.line.context, state.line.subject)
        outcome = f"{len(chain)} certificates"
    except TimeoutError:
        chain, outcome = (), "the server did not finish its handshake in time"
    except (OSError, CodecError) as error:
        chain, outcome = (), f"the handshake failed: {error}"
    elapsed_ms = round((time.monotonic() - started) * 1000)
    state.exchanges.append(Exchange("TLS 1.3 handshake", outcome, elapsed_ms, ""))
    return chain, "" if chain else outcome


async def _with_suites(state: Assessment, facts: TlsFacts, *, is_slow: bool) -> TlsFacts:
    accepted, name = state.accepted, facts.subject.server_name
    is_too_slow = state.pace_ms > _VERY_SLOW_MS
    if is_too_slow or not accepted:
        reason = _TOO_SLOW if is_too_slow else "no version was accepted"
        return replace(facts, pools=dict.fromkeys(Pool, PoolFacts(Support.UNKNOWN, reason)))
    if is_slow:
        return await _with_weak_suites_alone(state, facts)
    if Version.TLS13 in accepted:
        facts = replace(facts, post_quantum=await ask_post_quantum(state.ask, name))
        allowed, problem = await ask_early_data(state.line)
        outcome = problem or f"{allowed} bytes of early data"
        state.exchanges.append(Exchange("TLS 1.3 up to its tickets", outcome, 0, ""))
        facts = replace(facts, early_data_bytes=allowed, early_data_problem=problem)
    classic = [version for version in accepted if version is not Version.TLS13]
    if not classic:
        return replace(
            facts,
            pools=_pools_of_tls13_alone(facts),
            forward_secrecy=Support.ACCEPTED,
            aead=Support.ACCEPTED,
        )
    facts = replace(facts, pools=await ask_pools(state.ask, max(classic), name))
    facts = await ask_choices(state, facts)
    return replace(
        facts,
        heartbleed=await _ask_heartbleed(state, max(classic)),
        forward_secrecy=await _has_any(state, has_forward_secrecy),
        aead=await _has_any(state, has_aead),
    )


async def _with_weak_suites_alone(state: Assessment, facts: TlsFacts) -> TlsFacts:
    """One hello at a good server, one for each family that is taken; the rest is left open."""
    unasked = PoolFacts(Support.UNKNOWN, _TOO_SLOW)
    facts = replace(
        facts,
        early_data_problem=_TOO_SLOW,
        reversed_choice=unasked,
        weak_curve=unasked,
        sha1_signature=unasked,
        heartbleed=unasked,
    )
    classic = [version for version in state.accepted if version is not Version.TLS13]
    if not classic:
        return replace(facts, pools=_pools_of_tls13_alone(facts))
    name = facts.subject.server_name
    return replace(
        facts,
        pools=await ask_pools(state.ask, max(classic), name),
        forward_secrecy=await _has_any(state, has_forward_secrecy),
        aead=await _has_any(state, has_aead),
    )


async def _ask_heartbleed(state: Assessment, version: Version) -> PoolFacts:
    hello = state.answers[version].flight.server_hello
    if hello is None or Extension.HEARTBEAT not in hello.extensions:
        return PoolFacts(Support.REFUSED, "the server has no heartbeats")
    return await ask_heartbleed(state.line, version)


async def _has_any(state: Assessment, is_wanted: Callable[[int], bool]) -> Support:
    """From what was chosen so far; asked only when that was of the other kind every time."""
    if Version.TLS13 in state.accepted:
        return Support.ACCEPTED
    hellos = [state.answers[version].flight.server_hello for version in state.accepted]
    if any(is_wanted(hello.suite) for hello in hellos if hello is not None):
        return Support.ACCEPTED
    name = state.line.subject.server_name
    return await ask_suites(state.ask, max(state.accepted), name, is_wanted)


def _pools_of_tls13_alone(facts: TlsFacts) -> dict[Pool, PoolFacts]:
    unsure = [v.label for v in _EVERY_VERSION if facts.support(v) is Support.UNKNOWN]
    if unsure:
        reason = f"it is not known whether {', '.join(unsure)} is accepted"
        return dict.fromkeys(Pool, PoolFacts(Support.UNKNOWN, reason))
    reason = "only TLS 1.3 is accepted, which has no such suites"
    return dict.fromkeys(Pool, PoolFacts(Support.REFUSED, reason))
