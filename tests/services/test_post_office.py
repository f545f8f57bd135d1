"""The post office: what it sends, and what it makes of a server's answers."""

import pytest
from pydantic import ValidationError

from services.mail import Letter, MailDelayed, MailRefused, PostOffice, one_line
from services.settings import Settings
from tests.mail_server import MailServer, mail_server

_LETTER = Letter("guest@example.org", "Grüße", "Ein Wort,\n\nund noch eins.\n")


def _post(server: MailServer, credentials: str = "") -> PostOffice:
    return PostOffice(f"smtp://{credentials}127.0.0.1:{server.port}", "nis2@example.com", None)


async def test_a_letter_arrives_as_it_was_written() -> None:
    async with mail_server() as server:
        await _post(server).send(_LETTER)

    (message,) = server.messages
    assert (message["Subject"], message["To"]) == ("Grüße", "guest@example.org")
    assert message.get_content().splitlines() == _LETTER.text.splitlines()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize(
    ("reply", "error"), [("550 nobody here", MailRefused), ("451 come again", MailDelayed)]
)
async def test_an_answer_tells_never_from_not_now(reply: str, error: type[Exception]) -> None:
    async with mail_server() as server:
        server.recipient_reply = reply

        with pytest.raises(error) as caught:
            await _post(server).send(_LETTER)

    assert "guest" not in str(caught.value)


async def test_a_server_that_is_away_delays_the_mail() -> None:
    async with mail_server() as server:
        gone = _post(server)

    with pytest.raises(MailDelayed):
        await gone.send(_LETTER)


async def test_a_password_is_never_sent_in_clear() -> None:
    async with mail_server() as server:
        with pytest.raises(MailDelayed):
            await _post(server, "user:secret@").send(_LETTER)

    assert b"AUTH" not in server.commands
    assert server.messages == []


def test_a_name_becomes_one_line_of_bounded_length() -> None:
    assert one_line("Acme\r\nBcc: all\t") == "Acme Bcc: all"
    assert len(one_line("x" * 300)) == 80


@pytest.mark.parametrize(
    ("smtp_url", "mail_from"),
    [
        ("smtp://mail.example.com", None),
        (None, "nis2@example.com"),
        ("http://user:secret@mail.example.com", "nis2@example.com"),
        ("smtp://", "nis2@example.com"),
        ("smtp://mail.example.com", "nobody"),
    ],
)
def test_half_a_mail_configuration_is_refused_at_the_start(
    settings: Settings, smtp_url: str | None, mail_from: str | None
) -> None:
    given = settings.model_dump() | {"smtp_url": smtp_url, "mail_from": mail_from}

    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)

    assert "user:secret" not in str(caught.value)


def test_a_whole_mail_configuration_is_taken(settings: Settings) -> None:
    given = {"smtp_url": "smtps://user:secret@[::1]:465", "mail_from": "NIS2 <nis2@example.com>"}

    taken = Settings.model_validate(settings.model_dump() | given)

    assert taken.sends_mail
    assert "user:secret" not in repr(taken)
