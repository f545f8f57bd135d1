"""Which families of weak suites a server takes, in as few hellos as there are families it takes.

One hello offers all of them: a good server refuses it, and everything is known. One that takes it
has shown a suite; its families are struck off and the rest is offered again.
"""

from collections.abc import Awaitable, Callable

from services.scanner.tls.exchange import Answer
from services.scanner.tls.facts import PoolFacts, Support
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.reading import pool_facts, support_of
from services.scanner.tls.suites import SUITES, Pool, pools_of, suites_in
from services.scanner.tls.wire import X25519MLKEM768, Version

Ask = Callable[[ClientHello, str], Awaitable[Answer]]
"""Sends one hello under the given name and reads the whole flight."""


async def ask_pools(ask: Ask, version: Version, server_name: str | None) -> dict[Pool, PoolFacts]:
    """At most one hello more than there are pools. ``version`` is TLS 1.2 or older."""
    undecided, facts = set(Pool), dict[Pool, PoolFacts]()
    while undecided:
        offered = suites_in(frozenset(undecided))
        hello = ClientHello(version, server_name, suites=offered)
        answer = await ask(hello, f"{version.label}, weak suites: {', '.join(sorted(undecided))}")
        found = pool_facts(answer, hello)
        chosen = answer.flight.server_hello
        decided = set(undecided)
        if found.support is Support.ACCEPTED and chosen is not None:
            decided &= pools_of(chosen.suite)
        facts.update(dict.fromkeys(decided, found))
        undecided -= decided
    return facts


_WITHOUT_SECRECY = frozenset({Pool.RSA_TRANSPORT, Pool.ANON})
_WITHOUT_AEAD = frozenset({Pool.CBC, Pool.RC4, Pool.NULL})


def has_forward_secrecy(code: int) -> bool:
    """Whether a suite of TLS 1.2 or older makes a key for each connection, with a known peer."""
    return not pools_of(code) & _WITHOUT_SECRECY


def has_aead(code: int) -> bool:
    """Whether a suite of TLS 1.2 or older encrypts and authenticates in one."""
    return not pools_of(code) & _WITHOUT_AEAD


async def ask_suites(
    ask: Ask, version: Version, server_name: str | None, is_wanted: Callable[[int], bool]
) -> Support:
    """Whether the server takes a hello with the wanted suites alone."""
    suites = tuple(code for code in SUITES if is_wanted(code))
    hello = ClientHello(version, server_name, suites=suites)
    answer = await ask(hello, f"{version.label}, {is_wanted.__name__.removeprefix('has_')} alone")
    return support_of(answer, hello)[0]


async def ask_post_quantum(ask: Ask, server_name: str | None) -> Support:
    """Whether TLS 1.3 takes X25519MLKEM768: no share is sent, so a retry request says yes."""
    hello = ClientHello(Version.TLS13, server_name, groups=(X25519MLKEM768,))
    answer = await ask(hello, "TLS 1.3 with X25519MLKEM768 alone")
    support, _ = support_of(answer, hello)
    chosen = answer.flight.server_hello
    if support is Support.ACCEPTED and (chosen is None or chosen.group != X25519MLKEM768):
        return Support.UNKNOWN
    return support
