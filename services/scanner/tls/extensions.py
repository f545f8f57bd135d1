"""What a certificate says about revocation and transparency, in its extensions. Pure."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

from services.scanner.tls.wire import CodecError, Cursor

_LOG_ID = 32
_MOST_URLS = 5
_MOST_TIMESTAMPS = 50


def crl_urls(extensions: x509.Extensions | None) -> tuple[str, ...]:
    """Where the issuer's revocation lists are (RFC 5280 4.2.1.13), whatever their scheme."""
    if extensions is None:
        return ()
    try:
        points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    urls = (
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )
    return tuple(urls)[:_MOST_URLS]


def must_staple(extensions: x509.Extensions | None) -> bool:
    """RFC 7633: the feature "status_request"."""
    if extensions is None:
        return False
    try:
        features = extensions.get_extension_for_class(x509.TLSFeature).value
    except x509.ExtensionNotFound:
        return False
    return x509.TLSFeatureType.status_request in features


def timestamp_logs(extensions: x509.Extensions | None) -> tuple[str, ...]:
    """The logs of the SCTs inside a certificate (RFC 6962 3.3)."""
    if extensions is None:
        return ()
    kind = x509.PrecertificateSignedCertificateTimestamps
    try:
        return _logs(extensions.get_extension_for_class(kind).value)
    except x509.ExtensionNotFound:
        return ()


def stapled_logs(extensions: x509.Extensions) -> tuple[str, ...]:
    """The logs of the SCTs inside an OCSP answer."""
    try:
        return _logs(extensions.get_extension_for_class(x509.SignedCertificateTimestamps).value)
    except x509.ExtensionNotFound:
        return ()


def sent_logs(extension: bytes | None) -> tuple[str, ...]:
    """The logs of the SCTs in the handshake (RFC 6962 3.3.1); empty for what cannot be read."""
    logs: list[str] = []
    try:
        listed = Cursor(Cursor(extension or b"\0\0").vector(2))
        while not listed.is_done and len(logs) < _MOST_TIMESTAMPS:
            timestamp = Cursor(listed.vector(2))
            timestamp.number(1)
            logs.append(timestamp.take(_LOG_ID).hex())
    except CodecError:
        return ()
    return tuple(dict.fromkeys(logs))


def _logs(timestamps: Iterable[SignedCertificateTimestamp]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(timestamp.log_id.hex() for timestamp in timestamps))
