"""Cipher suites by code point and name, and the pools of weak ones.

Names are IANA's without the ``TLS_`` prefix. The order is the order of our offers: best first, so
that a server without a preference of its own shows its best.
"""

from enum import StrEnum

_TABLE = """
c02b ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
c02f ECDHE_RSA_WITH_AES_128_GCM_SHA256
c02c ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
c030 ECDHE_RSA_WITH_AES_256_GCM_SHA384
cca9 ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
cca8 ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
c0ac ECDHE_ECDSA_WITH_AES_128_CCM
c0ae ECDHE_ECDSA_WITH_AES_128_CCM_8
009e DHE_RSA_WITH_AES_128_GCM_SHA256
009f DHE_RSA_WITH_AES_256_GCM_SHA384
ccaa DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
c09e DHE_RSA_WITH_AES_128_CCM
00a2 DHE_DSS_WITH_AES_128_GCM_SHA256
00a3 DHE_DSS_WITH_AES_256_GCM_SHA384
c023 ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
c027 ECDHE_RSA_WITH_AES_128_CBC_SHA256
c024 ECDHE_ECDSA_WITH_AES_256_CBC_SHA384
c028 ECDHE_RSA_WITH_AES_256_CBC_SHA384
c009 ECDHE_ECDSA_WITH_AES_128_CBC_SHA
c013 ECDHE_RSA_WITH_AES_128_CBC_SHA
c00a ECDHE_ECDSA_WITH_AES_256_CBC_SHA
c014 ECDHE_RSA_WITH_AES_256_CBC_SHA
0067 DHE_RSA_WITH_AES_128_CBC_SHA256
006b DHE_RSA_WITH_AES_256_CBC_SHA256
0033 DHE_RSA_WITH_AES_128_CBC_SHA
0039 DHE_RSA_WITH_AES_256_CBC_SHA
0032 DHE_DSS_WITH_AES_128_CBC_SHA
0038 DHE_DSS_WITH_AES_256_CBC_SHA
0045 DHE_RSA_WITH_CAMELLIA_128_CBC_SHA
0088 DHE_RSA_WITH_CAMELLIA_256_CBC_SHA
009c RSA_WITH_AES_128_GCM_SHA256
009d RSA_WITH_AES_256_GCM_SHA384
c09c RSA_WITH_AES_128_CCM
003c RSA_WITH_AES_128_CBC_SHA256
003d RSA_WITH_AES_256_CBC_SHA256
002f RSA_WITH_AES_128_CBC_SHA
0035 RSA_WITH_AES_256_CBC_SHA
0041 RSA_WITH_CAMELLIA_128_CBC_SHA
0084 RSA_WITH_CAMELLIA_256_CBC_SHA
0096 RSA_WITH_SEED_CBC_SHA
c008 ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA
c012 ECDHE_RSA_WITH_3DES_EDE_CBC_SHA
0016 DHE_RSA_WITH_3DES_EDE_CBC_SHA
0013 DHE_DSS_WITH_3DES_EDE_CBC_SHA
000a RSA_WITH_3DES_EDE_CBC_SHA
0007 RSA_WITH_IDEA_CBC_SHA
0015 DHE_RSA_WITH_DES_CBC_SHA
0009 RSA_WITH_DES_CBC_SHA
c007 ECDHE_ECDSA_WITH_RC4_128_SHA
c011 ECDHE_RSA_WITH_RC4_128_SHA
0005 RSA_WITH_RC4_128_SHA
0004 RSA_WITH_RC4_128_MD5
0014 DHE_RSA_EXPORT_WITH_DES40_CBC_SHA
0011 DHE_DSS_EXPORT_WITH_DES40_CBC_SHA
0008 RSA_EXPORT_WITH_DES40_CBC_SHA
0006 RSA_EXPORT_WITH_RC2_CBC_40_MD5
0003 RSA_EXPORT_WITH_RC4_40_MD5
0064 RSA_EXPORT1024_WITH_RC4_56_SHA
0062 RSA_EXPORT1024_WITH_DES_CBC_SHA
00a6 DH_anon_WITH_AES_128_GCM_SHA256
00a7 DH_anon_WITH_AES_256_GCM_SHA384
006c DH_anon_WITH_AES_128_CBC_SHA256
006d DH_anon_WITH_AES_256_CBC_SHA256
c018 ECDH_anon_WITH_AES_128_CBC_SHA
c019 ECDH_anon_WITH_AES_256_CBC_SHA
0034 DH_anon_WITH_AES_128_CBC_SHA
003a DH_anon_WITH_AES_256_CBC_SHA
c017 ECDH_anon_WITH_3DES_EDE_CBC_SHA
c016 ECDH_anon_WITH_RC4_128_SHA
001b DH_anon_WITH_3DES_EDE_CBC_SHA
001a DH_anon_WITH_DES_CBC_SHA
0018 DH_anon_WITH_RC4_128_MD5
0019 DH_anon_EXPORT_WITH_DES40_CBC_SHA
0017 DH_anon_EXPORT_WITH_RC4_40_MD5
c006 ECDHE_ECDSA_WITH_NULL_SHA
c010 ECDHE_RSA_WITH_NULL_SHA
003b RSA_WITH_NULL_SHA256
0002 RSA_WITH_NULL_SHA
0001 RSA_WITH_NULL_MD5
c015 ECDH_anon_WITH_NULL_SHA
"""

TLS13_NAMES = {
    0x1301: "AES_128_GCM_SHA256",
    0x1302: "AES_256_GCM_SHA384",
    0x1303: "CHACHA20_POLY1305_SHA256",
    0x1304: "AES_128_CCM_SHA256",
    0x1305: "AES_128_CCM_8_SHA256",
}
TLS13_SUITES = tuple(TLS13_NAMES)

NAMES: dict[int, str] = {
    int(code, 16): name for code, name in (line.split() for line in _TABLE.split("\n") if line)
}
"""Every suite of TLS 1.2 and older that we offer, best first."""

SUITES = tuple(NAMES)

_RARE = ("SEED", "IDEA", "EXPORT1024", "DSS_WITH_AES_128_GCM", "DSS_WITH_AES_256_GCM", "CCM_8")
_RARE_ANON = ("GCM", "SHA256", "_DES", "EXPORT", "3DES")


def _is_common(name: str) -> bool:
    if any(part in name for part in _RARE):
        return False
    return "anon" not in name or not any(part in name for part in _RARE_ANON)


COMMON = tuple(code for code, name in NAMES.items() if _is_common(name))
"""What the version hellos offer: at most 64, for old stacks fall over longer lists. Weak suites
are among them, last: a server that has nothing else speaks the version all the same."""

_SMALL_BLOCKS = ("3DES", "_DES_", "DES40", "IDEA", "RC2")


class Pool(StrEnum):
    """A family of suites that one check asks about. A suite may be in several."""

    NULL = "null"
    ANON = "anon"
    EXPORT = "export"
    RC4 = "rc4"
    SMALL_BLOCK = "3des"
    CBC = "cbc"
    RSA_TRANSPORT = "rsa_transport"
    DHE = "dhe"


def suite_name(code: int) -> str:
    """The IANA name, or the code point in hexadecimal for a suite we do not know."""
    name = NAMES.get(code) or TLS13_NAMES.get(code)
    return f"TLS_{name}" if name else f"0x{code:04x}"


def pools_of(code: int) -> frozenset[Pool]:
    """The pools a suite of TLS 1.2 or older belongs to; none for ECDHE with an AEAD cipher."""
    name = NAMES.get(code, "")
    signs = {
        Pool.NULL: "_NULL_" in name,
        Pool.ANON: "_anon_" in name,
        Pool.EXPORT: "EXPORT" in name,
        Pool.RC4: "_RC4_" in name,
        Pool.SMALL_BLOCK: any(cipher in name for cipher in _SMALL_BLOCKS),
        Pool.CBC: "_CBC_" in name,
        Pool.RSA_TRANSPORT: name.startswith("RSA_"),
        Pool.DHE: name.startswith("DHE_"),
    }
    return frozenset(pool for pool, applies in signs.items() if applies)


def suites_in(pools: frozenset[Pool]) -> tuple[int, ...]:
    """Every suite that is in at least one of the pools, best first."""
    return tuple(code for code in SUITES if pools_of(code) & pools)
