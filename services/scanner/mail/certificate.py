"""The certificate that one endpoint shows, and what a client that verifies makes of it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from services.scanner.context import ProbeContext
from services.scanner.mail.transport_facts import ShownCertificate
from services.scanner.tls.certificates import read_chain
from services.scanner.tls.chain import chain_by_handshake
from services.scanner.tls.exchange import Answer, Ending, Line
from services.scanner.tls.hello import ClientHello
from services.scanner.tls.issuers import assess_with_fetching
from services.scanner.tls.names import covers
from services.scanner.tls.wire import CodecError, Version


@dataclass(slots=True)
class FirstHello:
    """The answer to a hello of TLS 1.2, and the chain out of it or of TLS 1.3."""

    answer: Answer
    chain: tuple[bytes, ...] = ()
    problem: str = ""
    accepted: list[Version] = field(default_factory=list[Version])


async def ask_for_chain(line: Line) -> FirstHello:
    """One hello of TLS 1.2; where that is turned down, a whole handshake of TLS 1.3.

    Never raises for what the server does.
    """
    hello = ClientHello(Version.TLS12, line.subject.server_name)
    answer = await line.ask(hello, hello.version.label, whole_flight=True)
    first = FirstHello(answer, answer.flight.chain, answer.problem)
    chosen = answer.flight.server_hello
    if chosen is not None and chosen.version == Version.TLS12:
        first.accepted.append(Version.TLS12)
    if first.chain or answer.ending not in {Ending.ALERT, Ending.CLOSED, Ending.RESET}:
        return first
    try:
        first.chain = await chain_by_handshake(line.context, line.subject)
        first.accepted.append(Version.TLS13)
    except TimeoutError:
        first.problem = "the server did not finish its handshake in time"
    except (OSError, CodecError) as error:
        first.problem = f"the handshake failed: {error}"
    return first


async def assess_certificate(
    context: ProbeContext, sent: tuple[bytes, ...], name: str, problem: str
) -> ShownCertificate:
    """``problem`` says why nothing was sent. Raises OSError, ValueError for the file of roots."""
    read, unreadable = read_chain(sent)
    if not read:
        return ShownCertificate(sent, problem=unreadable or problem or "no certificate was sent")
    now = datetime.now(UTC)
    leaf = read[0][1]
    trust, _ = await assess_with_fetching(context, tuple(c for c, _ in read), now)
    shown = ShownCertificate(sent, leaf, trust)
    return replace(shown, covers_name=covers(leaf.dns_names, name))
