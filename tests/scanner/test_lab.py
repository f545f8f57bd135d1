"""The lab that the README starts: it runs, shows its faults, and ends on Ctrl-C."""

import asyncio
import re
import signal
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.lab.certificates import Authority, expired, in_days, rsa_key, self_signed

_ROOT = Path(__file__).parents[2]
_STOPPED = 0


async def test_the_lab_starts_says_what_to_scan_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.lab", "--port", "0", "--http-port", "0"),
        *("--directory", str(tmp_path)),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            said = await process.stdout.readuntil(b"Ctrl-C")
            (secure_port,) = re.findall(rb"https://127\.0\.0\.1:(\d+)/", said)
            context = ssl.create_default_context(cafile=tmp_path / "authority.pem")
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", int(secure_port), ssl=context, server_hostname="shop.example.test"
            )
            writer.write(b"GET / HTTP/1.1\r\nHost: shop.example.test\r\n\r\n")
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
            process.send_signal(signal.SIGINT)
            assert await process.wait() == _STOPPED
    finally:
        if process.returncode is None:
            process.kill()

    assert b"nis2 scan 127.0.0.1" in said
    assert b"Strict-Transport-Security" not in answer
    assert b"Set-Cookie: session=" in answer


def test_issued_certificates_are_what_was_asked_for(tmp_path: Path) -> None:
    authority = Authority.create("Root")
    identity = authority.subordinate("Middle").issue(
        ["www.lab.test", "127.0.0.1"], not_after=in_days(3), key=rsa_key(1024)
    )
    certificate_path, key_path = identity.write(tmp_path)

    leaf, middle = x509.load_pem_x509_certificates(certificate_path.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    middle.verify_directly_issued_by(authority.certificate)
    leaf.verify_directly_issued_by(middle)
    assert names.get_values_for_type(x509.DNSName) == ["www.lab.test"]
    assert timedelta(days=2) < leaf.not_valid_after_utc - datetime.now(UTC) < timedelta(days=3)
    assert key_path.stat().st_mode & 0o077 == 0
    assert len(x509.load_pem_x509_certificates(identity.without_intermediates().chain_pem)) == 1


@pytest.mark.parametrize("days", [1, 100])
def test_an_expired_certificate_has_expired(days: int) -> None:
    certificate = expired(Authority.create("Root"), ["old.lab.test"], days=days).certificate

    age = datetime.now(UTC) - certificate.not_valid_after_utc
    assert age.days in {days - 1, days}


def test_a_self_signed_certificate_vouches_for_itself() -> None:
    certificate = self_signed(["self.lab.test"]).certificate

    certificate.verify_directly_issued_by(certificate)
