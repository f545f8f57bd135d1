"""A TLS context that talks to bad servers as well: about who speaks, not about trust."""

import ssl
import warnings


def any_tls() -> ssl.SSLContext:
    """Every version and suite that the library still has; verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions, on purpose
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    context.options |= 0x4  # SSL_OP_LEGACY_SERVER_CONNECT: servers without RFC 5746
    context.set_alpn_protocols(["http/1.1"])
    return context
