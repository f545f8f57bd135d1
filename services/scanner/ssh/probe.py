"""One connection: the server's identification, ours, and the server's KEXINIT. No login."""

import asyncio

from services.scanner.context import ProbeContext
from services.scanner.ssh.facts import Algorithms, SshFacts, SshSubject
from services.scanner.ssh.kexinit import KexError, packet_length, read_kexinit, read_version
from services.scanner.suite import ProbeError
from services.scanner.text import clean

_OUR_IDENTIFICATION = b"SSH-2.0-NIS2Gateway\r\n"
_MAX_LINE = 1024
_MAX_LINES = 50
"""RFC 4253 4.2: other lines may come before the identification."""
_SHOWN = 255
_FIRST_WITH_KEXINIT = (1, 99)


async def probe_ssh(context: ProbeContext, subject: SshSubject) -> SshFacts:
    """Raises ProbeError for what is no SSH server, OSError and TimeoutError before it speaks."""
    options = context.options
    connection = context.connector.open(
        subject.address, subject.port, timeout_s=options.connect_timeout_s
    )
    async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
        line, version = await _read_identification(reader)
        shown = clean(line.strip(), _SHOWN)
        if version < _FIRST_WITH_KEXINIT:
            return SshFacts(shown, version, problem="protocol 1 has no list of algorithms")
        try:
            async with asyncio.timeout(options.exchange_timeout_s / 2):
                writer.write(_OUR_IDENTIFICATION)
                return SshFacts(shown, version, await _read_offer(reader))
        except (KexError, OSError, EOFError, TimeoutError) as error:
            return SshFacts(shown, version, problem=_why(error))


async def _read_identification(
    reader: asyncio.StreamReader,
) -> tuple[bytes, tuple[int, int]]:
    for _ in range(_MAX_LINES):
        line = await _read_line(reader)
        version = read_version(line)
        if version is not None:
            return line, version
        if not line:
            break
    raise ProbeError("the server does not identify itself as SSH")


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """Up to the end of the line, of the stream, or of what a line may take."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError:
        return await reader.read(_MAX_LINE)


async def _read_offer(reader: asyncio.StreamReader) -> Algorithms:
    length = packet_length(await reader.readexactly(4))
    return read_kexinit(await reader.readexactly(length))


def _why(error: BaseException) -> str:
    match error:
        case KexError():
            return str(error)
        case TimeoutError():
            return "the server sent no list of algorithms in time"
        case _:
            return "the server closed the connection before its list of algorithms"
