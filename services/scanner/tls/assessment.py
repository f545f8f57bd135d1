"""What is known so far about one endpoint while it is being asked."""

from dataclasses import dataclass, field

from services.scanner.tls.exchange import Answer, Ending, Line
from services.scanner.tls.facts import Exchange, Support, VersionFacts
from services.scanner.tls.hello import DEFLATE, ClientHello
from services.scanner.tls.reading import version_facts
from services.scanner.tls.wire import Version

CUT_OFF = frozenset({Ending.RESET, Ending.CLOSED})


def version_hello(version: Version, server_name: str | None) -> ClientHello:
    # Deflate is offered first where it is legal, so that a server which has it takes it.
    compressions = (0,) if version is Version.TLS13 else (DEFLATE, 0)
    # Whether heartbeats are there at all is known without a connection of its own.
    is_classic = version < Version.TLS13
    return ClientHello(version, server_name, compressions=compressions, offers_heartbeat=is_classic)


@dataclass(slots=True)
class Assessment:
    """What is known so far about one endpoint."""

    line: Line
    versions: dict[Version, VersionFacts] = field(default_factory=dict[Version, VersionFacts])
    answers: dict[Version, Answer] = field(default_factory=dict[Version, Answer])
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    cuts_off_to_refuse: bool = False
    """Seen twice in a row: then once is enough, if what it supports is answered afterwards."""

    async def ask_version(self, version: Version, *, whole_flight: bool = False) -> Answer:
        hello = version_hello(version, self.line.subject.server_name)
        answer = await self.line.ask(hello, version.label, whole_flight=whole_flight)
        self.exchanges.append(answer.as_evidence())
        facts = version_facts(answer, hello)
        known = self.versions.get(version)
        # What a second hello does not tell leaves standing what the first one told.
        if known is None or facts.support is not Support.UNKNOWN:
            self.versions[version], self.answers[version] = facts, answer
        return answer

    async def ask(self, hello: ClientHello, asked: str) -> Answer:
        """One offer. A server that only cuts it off is asked again, and then for what it takes.

        Many servers cut the connection instead of refusing an offer with an alert; a rate limit
        looks the same, until something that they support is answered directly afterwards.
        """
        answer = await self._ask_once(hello, asked)
        if answer.ending not in CUT_OFF or not self.accepted:
            return answer
        if not self.cuts_off_to_refuse:
            answer = await self._ask_once(hello, f"{asked}, again")
            if answer.ending not in CUT_OFF:
                return answer
        control = max(self.accepted)
        taken = await self.ask_version(control, whole_flight=control is not Version.TLS13)
        if taken.ending is Ending.HELLO:
            self.cuts_off_to_refuse = True
            answer.ending = Ending.CUT_OFF
            answer.reason = f"the server cut the hello off, and took {control.label} afterwards"
        return answer

    async def _ask_once(self, hello: ClientHello, asked: str) -> Answer:
        answer = await self.line.ask(hello, asked, whole_flight=True)
        self.exchanges.append(answer.as_evidence())
        return answer

    async def ask_ssl2(self) -> None:
        is_hello, answer = await self.line.ask_ssl2()
        self.exchanges.append(answer.as_evidence())
        support = Support.ACCEPTED if is_hello else Support.REFUSED
        if answer.ending in {Ending.TIMEOUT, Ending.NO_CONNECTION}:
            support = Support.UNKNOWN
        reason = answer.reason or "the server did not answer in SSL 2.0"
        self.versions[Version.SSL2] = VersionFacts(Version.SSL2, support, reason)

    @property
    def pace_ms(self) -> int:
        """The quickest answer so far: one that was slow may have met a busy moment."""
        told = {Ending.HELLO, Ending.ALERT}
        return min((a.elapsed_ms for a in self.answers.values() if a.ending in told), default=0)

    @property
    def accepted(self) -> tuple[Version, ...]:
        """Oldest first, without SSL 2.0, which shares no hello with the rest."""
        return tuple(
            version
            for version in Version
            if version in self.answers and self.versions[version].support is Support.ACCEPTED
        )
