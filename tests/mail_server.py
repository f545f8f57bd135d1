"""A mail server on loopback that keeps what it is given (RFC 5321, as much as a client needs)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    port: int = 0
    recipient_reply: str = "250 ok"
    """What RCPT TO is answered: 250, 451 to come again later, 550 for never."""
    commands: list[bytes] = field(default_factory=list[bytes])
    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 lab ESMTP\r\n")
        while line := await reader.readline():
            command = line[:4].upper()
            self.commands.append(command)
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(message_from_bytes(data[:-3], policy=policy.default))
            writer.write(self._reply(command))
            await writer.drain()
            if command == b"QUIT":
                break
        writer.close()

    def _reply(self, command: bytes) -> bytes:
        replies = {
            b"EHLO": "250-lab\r\n250 8BITMIME",
            b"RCPT": self.recipient_reply,
            b"QUIT": "221 bye",
        }
        return f"{replies.get(command, '250 ok')}\r\n".encode()


@asynccontextmanager
async def mail_server() -> AsyncGenerator[MailServer]:
    lab = MailServer()
    server = await asyncio.start_server(lab.serve, "127.0.0.1", 0)
    async with server:
        lab.port = server.sockets[0].getsockname()[1]
        yield lab
