"""TLS: versions, suites, key exchange, extensions; real stacks and hand-made ones."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.acceptor import Talk, in_tls, silent
from tests.lab.certificates import rsa_key
from tests.lab.lab import Lab
from tests.lab.truth import Case, ids

_HTTPS = 443
_NO_ETM, _NO_EMS = 1 << 19, 1 << 0
"""OpenSSL's option bits, which the standard library has no names for."""
_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2)


@dataclass(frozen=True, slots=True)
class _Real:
    """A server of OpenSSL's, with what is wrong with it."""

    name: str
    must: str = ""
    traps: str = ""
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    options: int = 0
    curve: str = ""
    is_rsa: bool = False
    has_dh: bool = False
    port: int = _HTTPS


_REAL = (
    _Real(
        "modern",
        traps="tls.protocol.sslv2 tls.protocol.sslv3 tls.protocol.tls10 tls.protocol.tls11"
        " tls.protocol.no_modern tls.protocol.no_tls13 tls.protocol.none tls.cipher.null"
        " tls.cipher.anon tls.cipher.export tls.cipher.rc4 tls.cipher.3des tls.cipher.cbc"
        " tls.cipher.order tls.kex.no_forward_secrecy tls.kex.dh_weak tls.kex.dhe"
        " tls.kex.curve_weak tls.kex.sha1_signature tls.compression tls.renegotiation.insecure"
        " tls.extension.no_ems tls.extension.no_etm tls.early_data tls.heartbleed"
        " tls.cert.expired tls.cert.untrusted tls.cert.weak_key",
    ),
    _Real("modern-no-pqc", must="tls.kex.pqc_missing"),
    _Real("rsa-modern", traps="tls.kex.no_forward_secrecy tls.cipher.cbc", is_rsa=True),
    _Real(
        "tls13-alone",
        traps="tls.protocol.no_modern tls.cipher.null tls.extension.no_ems tls.cert.expired",
        oldest=ssl.TLSVersion.TLSv1_3,
    ),
    _Real("tls12-alone", must="tls.protocol.no_tls13", newest=ssl.TLSVersion.TLSv1_2),
    _Real(
        "tls10-to-13",
        must="tls.protocol.tls10 tls.protocol.tls11 tls.kex.sha1_signature",
        traps="tls.protocol.sslv3 tls.protocol.no_modern tls.protocol.no_tls13",
        ciphers="ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0",
        oldest=ssl.TLSVersion.TLSv1,
    ),
    _Real(
        "tls11-up",
        must="tls.protocol.tls11 tls.kex.sha1_signature",
        traps="tls.protocol.tls10",
        ciphers="ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0",
        oldest=ssl.TLSVersion.TLSv1_1,
    ),
    _Real(
        "tls10-alone",
        must="tls.protocol.tls10 tls.protocol.no_modern tls.cipher.cbc",
        traps="tls.protocol.no_tls13 tls.protocol.tls11 tls.kex.sha1_signature",
        ciphers="ECDHE+AES:@SECLEVEL=0",
        oldest=ssl.TLSVersion.TLSv1,
        newest=ssl.TLSVersion.TLSv1,
    ),
    _Real(
        "cbc-with-etm",
        must="tls.protocol.no_tls13",
        traps="tls.extension.no_etm",
        ciphers="ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA256",
        newest=ssl.TLSVersion.TLSv1_2,
    ),
    _Real(
        "cbc-without-etm",
        must="tls.cipher.cbc tls.extension.no_etm",
        ciphers="ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA256",
        options=_NO_ETM,
    ),
    _Real(
        "rsa-transport-beside-ecdhe",
        must="tls.kex.no_forward_secrecy",
        ciphers="ECDHE+AESGCM:AES128-GCM-SHA256",
        is_rsa=True,
    ),
    _Real(
        "rsa-transport-alone",
        must="tls.kex.no_forward_secrecy tls.protocol.no_tls13",
        ciphers="AES128-GCM-SHA256",
        newest=ssl.TLSVersion.TLSv1_2,
        is_rsa=True,
    ),
    _Real(
        "dhe-with-good-group",
        must="tls.kex.dhe",
        traps="tls.kex.dh_weak",
        ciphers="ECDHE+AESGCM:DHE+AESGCM",
        is_rsa=True,
        has_dh=True,
    ),
    _Real(
        "null-by-openssl",
        must="tls.cipher.null tls.kex.sha1_signature",
        ciphers="ECDHE+AESGCM:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0",
    ),
    _Real(
        "anonymous-by-openssl",
        must="tls.cipher.anon tls.kex.sha1_signature",
        ciphers="ECDHE+AESGCM:AECDH-AES128-SHA:@SECLEVEL=0",
    ),
    _Real("without-ems", must="tls.extension.no_ems", options=_NO_EMS),
    _Real(
        "secp224r1",
        must="tls.kex.curve_weak tls.protocol.no_tls13 tls.kex.sha1_signature",
        ciphers="ECDHE+AESGCM:@SECLEVEL=0",
        newest=ssl.TLSVersion.TLSv1_2,
        curve="secp224r1",
        is_rsa=True,
    ),
    _Real("tls-at-8883", traps="tls.protocol.none tls.protocol.no_modern", port=8883),
    _Real("tls-at-9999", must="tls.protocol.no_tls13", newest=ssl.TLSVersion.TLSv1_2, port=9999),
)


def cases(lab: Lab) -> Iterator[Case]:
    for server in _REAL:
        address = lab.address()
        lab.listen(address, server.port, in_tls(_context(lab, server), silent))
        yield Case(f"tls-{server.name}", address, ids(server.must), ids(server.traps))
    yield from _odd_cases(lab)
    yield from _early_data(lab)
    yield from _without_tls(lab)


def _context(lab: Lab, server: _Real) -> ssl.SSLContext:
    key = rsa_key(3072) if server.is_rsa else None
    identity = lab.intermediate.issue([f"{server.name}.tls.lab"], key=key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(server.ciphers)
    context.load_cert_chain(*identity.write(lab.directory, lab.unique("tls")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
        context.minimum_version, context.maximum_version = server.oldest, server.newest
    context.options |= server.options
    if server.curve:
        context.set_ecdh_curve(server.curve)
    if server.has_dh:
        path = lab.directory / "ffdhe2048.pem"
        group = ("-algorithm", "DH", "-pkeyopt", "group:ffdhe2048")
        lab.make("openssl", "genpkey", "-genparam", *group, "-out", str(path))
        context.load_dh_params(str(path))
    return context


_ALL_GOOD = ids(
    "tls.protocol.no_modern tls.protocol.no_tls13 tls.protocol.tls10 tls.protocol.sslv3"
    " tls.protocol.none tls.cipher.null tls.cipher.cbc tls.kex.no_forward_secrecy"
    " tls.renegotiation.insecure tls.extension.no_ems"
)


def _odd_cases(lab: Lab) -> Iterator[Case]:
    """Servers that are fine and behave oddly: no verdict against them."""
    context = lab.context(lab.identity("odd.tls.lab"))
    good = in_tls(context, silent)
    for name, talk in (
        ("slow", _late(good, 1.6)),
        ("cuts-after-six", _limited(good, 6)),
        ("cuts-every-third", _moody(good)),
    ):
        address = lab.address()
        lab.listen(address, _HTTPS, talk)
        yield Case(f"tls-{name}", address, traps=_ALL_GOOD)
    address = lab.address()
    strict = lab.context(lab.identity("strict.tls.lab"))
    strict.sni_callback = _refuse_other_names("strict.tls.lab")
    lab.listen(address, _HTTPS, in_tls(strict, silent))
    lab.host("tls.lab", f"strict A {address}")
    yield Case("tls-name-needed-and-given", "strict.tls.lab", traps=_ALL_GOOD)
    yield Case("tls-name-needed", address, traps=_ALL_GOOD)
    address = lab.address()
    asking = lab.context(lab.identity("mutual.tls.lab"))
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(lab.authority.write(lab.directory))
    lab.listen(address, _HTTPS, in_tls(asking, silent))
    yield Case("tls-asks-for-a-certificate", address, traps=_ALL_GOOD)


def _late(talk: Talk, seconds: float) -> Talk:
    def late(client: socket.socket) -> None:
        threading.Event().wait(seconds)
        talk(client)

    return late


def _limited(talk: Talk, most: int) -> Talk:
    """Serves so many connections and then no more, as rate limits do."""
    served = iter(range(most))

    def limited(client: socket.socket) -> None:
        if next(served, None) is not None:
            talk(client)

    return limited


def _moody(talk: Talk) -> Talk:
    numbers = iter(range(10**9))

    def moody(client: socket.socket) -> None:
        if next(numbers) % 3 != 2:
            talk(client)

    return moody


def _refuse_other_names(wanted: str):  # noqa: ANN202 - the callback's type is ssl's own
    def choose(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        return None if name == wanted else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return choose


def _early_data(lab: Lab) -> Iterator[Case]:
    """OpenSSL's own test server is the one that has early data."""
    certificate, key = lab.identity("early.tls.lab").write(lab.directory, "early")
    address = lab.address()
    lab.run(
        *("openssl", "s_server", "-accept", f"{address}:{_HTTPS}", "-quiet"),
        *("-cert", str(certificate), "-cert_chain", str(certificate), "-key", str(key)),
        *("-early_data", "-max_early_data", "16384", "-no_anti_replay"),
    )
    yield Case(
        "tls-early-data",
        address,
        ids("tls.early_data"),
        may=ids("tls.cipher.cbc tls.kex.no_forward_secrecy tls.kex.dhe tls.kex.dh_weak"),
    )


def _without_tls(lab: Lab) -> Iterator[Case]:
    """Where TLS is expected and is not there: 443 that speaks something else."""
    address = lab.address()

    def plain(client: socket.socket) -> None:
        if client.recv(4096).startswith(b"GET "):
            client.sendall(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        else:
            client.sendall(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )

    lab.listen(address, _HTTPS, plain)
    yield Case("tls-none-on-443", address, ids("tls.protocol.none"))
    address = lab.address()
    lab.listen(address, _HTTPS, silent)
    yield Case("tls-silent-443", address, ids("net.port.unresponsive"), ids("tls.protocol.none"))
