"""TLS stacks of other times, put together by hand: what no library offers any more."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import serialization

from services.scanner.tls.wire import Extension, Version
from tests.lab.certificates import rsa_key
from tests.lab.hello_server import Traits, speaking
from tests.lab.lab import Lab
from tests.lab.truth import Case, ids

_HTTPS = 443


_RC4, _3DES, _EXPORT, _NULL, _ANON = (
    (0xC011, 0x0005),
    (0xC012, 0x000A),
    (0x0003,),
    (0x003B,),
    0x001B,
)
_ECDHE = 0xC02F
_EARLIER = (Version.TLS10, Version.TLS11, Version.TLS12)


@dataclass(frozen=True, slots=True)
class _Made:
    name: str
    must: str
    traits: Traits
    traps: str = ""


_MADE = (
    _Made("plain-12", "tls.protocol.no_tls13", Traits(), traps="tls.extension.no_ems"),
    _Made(
        "sslv3-up",
        "tls.protocol.sslv3 tls.protocol.tls10 tls.protocol.tls11 tls.protocol.no_tls13"
        " tls.kex.no_forward_secrecy tls.extension.no_ems",
        Traits(
            versions=(Version.SSL3, *_EARLIER),
            suites=(_ECDHE, 0xC013, 0x002F),
            extensions=(Extension.RENEGOTIATION_INFO, Extension.ENCRYPT_THEN_MAC),
        ),
        traps="tls.protocol.no_modern",
    ),
    _Made(
        "sslv3-alone",
        "tls.protocol.sslv3 tls.protocol.no_modern tls.kex.no_forward_secrecy tls.cipher.rc4"
        " tls.renegotiation.insecure",
        Traits(versions=(Version.SSL3,), suites=(0x0005, 0x0004), extensions=()),
        traps="tls.protocol.tls10 tls.protocol.tls11 tls.protocol.no_tls13",
    ),
    _Made(
        "sslv2-beside-12",
        "tls.protocol.sslv2 tls.protocol.no_tls13",
        Traits(ssl2=True),
        traps="tls.protocol.sslv3",
    ),
    _Made(
        "sslv2-alone",
        "tls.protocol.sslv2 tls.protocol.no_modern",
        Traits(ssl2=True, ssl2_alone=True),
        traps="tls.protocol.sslv3 tls.protocol.tls10",
    ),
    _Made(
        "alert-in-ssl3-record",
        "tls.protocol.no_tls13",
        Traits(refuses_by="old alert"),
        traps="tls.protocol.sslv3",
    ),
    _Made(
        "refuses-by-reset",
        "tls.protocol.no_tls13",
        Traits(refuses_by="reset"),
        traps="tls.protocol.tls10",
    ),
    _Made(
        "refuses-by-closing",
        "tls.protocol.no_tls13",
        Traits(refuses_by="close"),
        traps="tls.protocol.tls10 tls.protocol.no_modern",
    ),
    _Made(
        "rc4",
        "tls.cipher.rc4 tls.kex.no_forward_secrecy tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, *_RC4)),
        traps="tls.cipher.3des tls.cipher.null tls.cipher.export tls.cipher.order",
    ),
    _Made(
        "3des",
        "tls.cipher.3des tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, 0xC012)),
        traps="tls.cipher.rc4 tls.kex.no_forward_secrecy",
    ),
    _Made(
        "export",
        "tls.cipher.export tls.cipher.rc4 tls.kex.no_forward_secrecy tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, *_EXPORT)),
        traps="tls.cipher.null",
    ),
    _Made(
        "null",
        "tls.cipher.null tls.kex.no_forward_secrecy tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, *_NULL)),
        traps="tls.cipher.anon",
    ),
    _Made(
        "anonymous",
        "tls.cipher.anon tls.cipher.3des tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, _ANON)),
        traps="tls.cipher.null",
    ),
    _Made(
        "client-decides",
        "tls.cipher.order tls.kex.no_forward_secrecy tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, 0x002F), follows_client=True),
    ),
    _Made(
        "client-decides-among-good",
        "tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, 0xC030, 0xCCA8), follows_client=True),
        traps="tls.cipher.order",
    ),
    _Made(
        "dhe-1024",
        "tls.kex.dh_weak tls.kex.dhe tls.protocol.no_tls13",
        Traits(suites=(0x009E, 0x009F), dh_bits=1024),
    ),
    _Made(
        "dhe-1024-behind-ecdhe",
        "tls.kex.dh_weak tls.kex.dhe tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, 0x009E), dh_bits=1024),
    ),
    _Made(
        "dhe-3072",
        "tls.kex.dhe tls.protocol.no_tls13",
        Traits(suites=(_ECDHE, 0x009E), dh_bits=3072),
        traps="tls.kex.dh_weak",
    ),
    _Made(
        "weak-curve-behind-good-ones",
        "tls.kex.curve_weak tls.protocol.no_tls13",
        Traits(curves=(0x0017, 0x0015)),
    ),
    _Made(
        "sha1-signature",
        "tls.kex.sha1_signature tls.protocol.no_tls13",
        Traits(signatures=(0x0403, 0x0203)),
    ),
    _Made("compression", "tls.compression tls.protocol.no_tls13", Traits(compresses=True)),
    _Made(
        "no-secure-renegotiation",
        "tls.renegotiation.insecure tls.protocol.no_tls13",
        Traits(extensions=(Extension.EXTENDED_MASTER_SECRET,)),
        traps="tls.extension.no_ems",
    ),
    _Made(
        "no-ems",
        "tls.extension.no_ems tls.protocol.no_tls13",
        Traits(extensions=(Extension.RENEGOTIATION_INFO,)),
        traps="tls.renegotiation.insecure",
    ),
    _Made(
        "cbc-alone",
        "tls.cipher.cbc tls.protocol.no_tls13",
        Traits(
            suites=(0xC023, 0xC027),
            extensions=(Extension.RENEGOTIATION_INFO, Extension.EXTENDED_MASTER_SECRET),
        ),
    ),
    _Made(
        "heartbleed",
        "tls.heartbleed tls.protocol.no_tls13",
        Traits(has_heartbeats=True, bleeds=True),
    ),
    _Made(
        "heartbeats-that-check",
        "tls.protocol.no_tls13",
        Traits(has_heartbeats=True),
        traps="tls.heartbleed",
    ),
    _Made(
        "in-fragments",
        "tls.protocol.no_tls13",
        Traits(fragment=40),
        traps="tls.protocol.none tls.protocol.no_modern tls.extension.no_ems tls.cert.untrusted",
    ),
    _Made(
        "late",
        "tls.protocol.no_tls13",
        Traits(delay_s=1.2),
        traps="tls.protocol.no_modern tls.protocol.tls10 tls.cert.untrusted",
    ),
)


def cases(lab: Lab) -> Iterator[Case]:
    identity = lab.intermediate.issue(["made.tls.lab"], key=rsa_key(3072))
    chain = tuple(
        c.public_bytes(serialization.Encoding.DER)
        for c in (identity.certificate, *identity.intermediates)
    )
    for made in _MADE:
        address = lab.address()
        lab.listen(address, _HTTPS, speaking(replace(made.traits, chain=chain)))
        yield Case(f"made-{made.name}", address, ids(made.must), ids(made.traps))
