"""What the tickets of a TLS 1.3 server allow: one whole handshake, and no request."""

import asyncio

from services.scanner.tls.exchange import Line
from services.scanner.tls.tls13 import TicketClient
from services.scanner.tls.wire import CodecError

_READ_BYTES = 16 * 1024


async def ask_early_data(line: Line) -> tuple[int | None, str]:
    """The bytes allowed, 0 for a server that hands out no ticket; else None and why."""
    options, subject = line.context.options, line.subject
    client = TicketClient(subject.server_name)
    connection = line.context.connector.open(
        subject.address, subject.port, timeout_s=options.connect_timeout_s
    )
    try:
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            writer.write(client.hello)
            # We close our side with our Finished, so the server ends the connection: until then
            # every ticket has come.
            while data := await reader.read(_READ_BYTES):
                writer.write(client.feed(data))
    except CodecError as error:
        if client.early_data_bytes is None:
            return None, str(error)
    except TimeoutError:
        if client.early_data_bytes is None:
            return None, "the server did not end the connection in time"
    except OSError:
        pass  # cut off: what came before counts
    if not client.is_finished:
        return None, "the server did not finish its handshake"
    return client.early_data_bytes or 0, ""
