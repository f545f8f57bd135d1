"""Looks at one address of a mail server: STARTTLS, the versions behind it, the certificate.

About five connections, one after the other: mail servers ban clients that hurry. What one of them
says is kept for a few minutes, for hundreds of domains may share it.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from services.scanner.address import Address, AddressRefused
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.kept import Kept
from services.scanner.mail.certificate import ask_for_chain, assess_certificate
from services.scanner.mail.smtp import StartTlsConnector
from services.scanner.mail.transport_facts import MxServer, SmtpState, SmtpTalk
from services.scanner.tls.exchange import Answer, Ending, Line
from services.scanner.tls.facts import Support, TlsSubject
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.reading import support_of
from services.scanner.tls.wire import Version

SMTP_PORT = 25
_LEGACY = (Version.TLS11, Version.TLS10, Version.SSL3)
_CUT_OFF = frozenset({Ending.RESET, Ending.CLOSED})
_EXCHANGES_AT_MOST = 2.0
"""Of the time of one exchange, for all that is asked of one address."""
_KEPT_S, _FAILURE_KEPT_S = 600.0, 60.0
_KEPT_SERVERS = 4096

_Key = tuple[Address, int, str]
_seen: WeakKeyDictionary[Connector, Kept[_Key, MxServer]] = WeakKeyDictionary()


async def look_at_server(
    context: ProbeContext, host: str, address: Address, port: int = SMTP_PORT
) -> MxServer:
    """What the server says, or what was learned of it in the last minutes. Never raises for it."""
    kept = _seen.setdefault(context.connector, Kept(_KEPT_SERVERS))
    return await kept.get(
        (address, port, host.lower()), lambda: _look(context, host, address, port), _lifetime_s
    )


def _lifetime_s(server: MxServer) -> float:
    return _FAILURE_KEPT_S if server.talk.state is SmtpState.UNKNOWN else _KEPT_S


async def _look(context: ProbeContext, host: str, address: Address, port: int) -> MxServer:
    try:
        context.connector.policy.check(address, port)
    except AddressRefused as error:
        return MxServer(address, SmtpTalk(SmtpState.UNKNOWN, str(error)))
    limit_s = context.options.exchange_timeout_s
    connector = StartTlsConnector(context.connector, (address, port), limit_s)
    look = _Look(
        Line(replace(context, connector=connector), TlsSubject(address, port, host)), connector
    )
    budget = connector.budget(address)  # held: it lives for as long as somebody does
    with suppress(TimeoutError):
        async with asyncio.timeout(_EXCHANGES_AT_MOST * limit_s):
            await look.run()
    del budget
    certificate = await assess_certificate(context, look.chain, host, look.problem)
    return MxServer(address, look.talk, look.versions, certificate)


@dataclass(slots=True)
class _Look:
    """Grows while the server is asked; whatever is in it when time is up still counts."""

    line: Line
    connector: StartTlsConnector
    reason: str = "the server did not answer in time"
    versions: dict[Version, Support] = field(default_factory=dict[Version, Support])
    chain: tuple[bytes, ...] = ()
    problem: str = ""

    @property
    def talk(self) -> SmtpTalk:
        return self.connector.talk or SmtpTalk(SmtpState.UNKNOWN, self.reason)

    async def run(self) -> None:
        first = await ask_for_chain(self.line)
        self.reason, self.chain, self.problem = first.answer.reason, first.chain, first.problem
        self.versions.update(dict.fromkeys(first.accepted, Support.ACCEPTED))
        if self.talk.state is not SmtpState.READY:
            return
        if first.answer.ending in {Ending.NOT_TLS, Ending.TIMEOUT, Ending.NO_CONNECTION}:
            return
        await self._ask_legacy()

    async def _ask_legacy(self) -> None:
        cut_off: list[Version] = []
        for version in _LEGACY:
            answer = await self._ask(version)
            if answer.ending is Ending.NO_CONNECTION:
                return  # it has had enough of us: what is left stays unknown
            if answer.ending in _CUT_OFF:
                cut_off.append(version)
        if cut_off and await self._takes_control_hello():
            self.versions.update(dict.fromkeys(cut_off, Support.REFUSED))

    async def _ask(self, version: Version) -> Answer:
        hello = ClientHello(version, self.line.subject.server_name)
        needs_chain = not self.chain
        answer = await self.line.ask(hello, version.label, whole_flight=needs_chain)
        self.versions[version], _ = support_of(answer, hello)
        if needs_chain:
            self.chain = answer.flight.chain
        return answer

    async def _takes_control_hello(self) -> bool:
        """Cut off instead of refused: that counts if a version it has works directly afterwards."""
        accepted = [v for v, support in self.versions.items() if support is Support.ACCEPTED]
        if not accepted:
            return False
        hello = ClientHello(max(accepted), self.line.subject.server_name)
        return (await self.line.ask(hello, hello.version.label)).ending is Ending.HELLO
