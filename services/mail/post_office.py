"""Sends letters by SMTP (RFC 5321), encrypted wherever the server can."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.settings import Settings

_TIMEOUT_S = 20.0
_MAX_SUBJECT_NAME = 80
_PERMANENT = 500
"""SMTP replies from here on will not get better (RFC 5321, 4.2.1)."""


class MailRefused(Exception):
    """The server will not take it, today or tomorrow."""


class MailDelayed(Exception):
    """The server is away, or asks to come again."""


@dataclass(frozen=True, slots=True)
class Letter:
    recipient: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Where mail goes, and what its links point to."""

    smtp_url: str
    sender: str
    app_url: str | None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """None where no mail server is set."""
        if settings.smtp_url is None or settings.mail_from is None:
            return None
        app_url = str(settings.app_url).rstrip("/") if settings.app_url else None
        return cls(settings.smtp_url.get_secret_value(), settings.mail_from, app_url)

    def link(self, page: str, token: str) -> str | None:
        """To a page of the front end. Behind ``#``, a token stays out of every server's log."""
        return f"{self.app_url}/{page}#token={token}" if self.app_url else None

    async def send(self, letter: Letter) -> None:
        """Raises MailRefused, MailDelayed. Their text names no recipient and no token."""
        server = urlsplit(self.smtp_url)
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        username = unquote(server.username) if server.username else None
        try:
            await aiosmtplib.send(
                self._message(letter, domain),
                hostname=server.hostname,
                port=server.port,
                username=username,
                password=unquote(server.password) if server.password else None,
                use_tls=server.scheme == "smtps",
                # A password never crosses the network in clear; otherwise as the server offers.
                start_tls=True if username and server.scheme == "smtp" else None,
                # Ours to say: the library would block the loop with a look-up of the own name.
                local_hostname=domain,
                timeout=_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(max(refusal.code for refusal in error.recipients)) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise MailDelayed("the server refuses the password of NIS2_SMTP_URL") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(error.code) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise MailRefused("the server cannot write to such an address") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDelayed(type(error).__name__) from error

    def _message(self, letter: Letter, domain: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.recipient
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers
        message.set_content(letter.text)
        return message


def one_line(name: str) -> str:
    """A name that somebody typed, fit for a subject: no line break, not endless."""
    return " ".join(name.split())[:_MAX_SUBJECT_NAME]


def _judged(code: int) -> MailRefused | MailDelayed:
    kind = MailRefused if code >= _PERMANENT else MailDelayed
    return kind(f"the server answered {code}")
