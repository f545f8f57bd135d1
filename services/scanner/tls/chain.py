"""The chain of a TLS 1.3 server, which is encrypted and so needs a whole handshake."""

import asyncio
import ssl
from typing import Any

from services.scanner.context import ProbeContext
from services.scanner.tls.facts import TlsSubject
from services.scanner.tls.hello import MAX_CHAIN_BYTES, MAX_CHAIN_LENGTH
from services.scanner.tls.wire import CodecError

_MAX_BYTES = 256 * 1024
_READ_BYTES = 16 * 1024
_DER = 2  # _ssl.ENCODING_DER


async def chain_by_handshake(context: ProbeContext, subject: TlsSubject) -> tuple[bytes, ...]:
    """DER, leaf first. Raises OSError (ssl.SSLError is one), TimeoutError, CodecError."""
    options = context.options
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = _permissive_context().wrap_bio(
        incoming, outgoing, server_hostname=subject.server_name
    )
    connection = context.connector.open(
        subject.address, subject.port, timeout_s=options.connect_timeout_s
    )
    async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
        received = 0
        while not _has_shaken_hands(session):
            writer.write(outgoing.read())
            data = await reader.read(_READ_BYTES)
            received += len(data)
            if not data or received > _MAX_BYTES:
                raise CodecError("the server did not finish its handshake")
            incoming.write(data)
    return _der_chain(session)


def _permissive_context() -> ssl.SSLContext:
    """Verifies nothing: what is wrong with a certificate is for our checks to say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _has_shaken_hands(session: ssl.SSLObject) -> bool:
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _der_chain(session: ssl.SSLObject) -> tuple[bytes, ...]:
    public: Any = getattr(session, "get_unverified_chain", None)  # Any: from Python 3.13 on
    if public is not None:
        chain = tuple(public() or ())
    else:
        inner: Any = vars(session)["_sslobj"]  # Any: before 3.13 only the C object has it
        chain = tuple(entry.public_bytes(_DER) for entry in inner.get_unverified_chain() or ())
    if len(chain) > MAX_CHAIN_LENGTH or sum(map(len, chain)) > MAX_CHAIN_BYTES:
        raise CodecError("the certificate chain is larger than 10 certificates or 64 KB")
    return chain
