"""The identity of a finding: the same problem at the same place, whatever it says today."""

import hashlib

from services.scanner.check import Endpoint


def fingerprint(check_id: str, endpoint: Endpoint, discriminator: str) -> bytes:
    """32 bytes from check, canonical endpoint and discriminator.

    Never the message, the severity, a date or a count: a certificate that ends in 30 days and in
    12 is one problem. Fields are joined by NUL, which none of them can hold.
    """
    parts = (
        "v1",
        check_id,
        endpoint.host.casefold(),
        str(endpoint.port or ""),
        endpoint.protocol,
        discriminator,
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
