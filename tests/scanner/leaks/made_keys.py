"""Keys of the providers' formats, made on the spot: none of them ever opened anything.

They are put together at run time, so that no scanner of repositories takes this file for a leak.
"""

import random
import string
import zlib

from cryptography.hazmat.primitives import serialization

from tests.lab.certificates import ec_key

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ALNUM = string.ascii_letters + string.digits
_DICE = random.Random(20261123)  # noqa: S311 - the same keys in every run; they protect nothing


def some(length: int, alphabet: str = _ALNUM) -> str:
    return "".join(_DICE.choice(alphabet) for _ in range(length))


def _checksum(secret: str) -> str:
    value, digits = zlib.crc32(secret.encode()), ""
    while value:
        value, digit = divmod(value, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(6, "0")


def checksummed(prefix: str) -> str:
    secret = some(30)
    return f"{prefix}_{secret}{_checksum(secret)}"


def pem(title: str = "PRIVATE KEY", password: bytes | None = None) -> str:
    """A fresh key of an elliptic curve."""
    kind = {
        "PRIVATE KEY": serialization.PrivateFormat.PKCS8,
        "EC PRIVATE KEY": serialization.PrivateFormat.TraditionalOpenSSL,
        "OPENSSH PRIVATE KEY": serialization.PrivateFormat.OpenSSH,
    }[title]
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return ec_key().private_bytes(serialization.Encoding.PEM, kind, encryption).decode()


AWS_ID = "AK" + "IA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
AWS_SECRET = "a1B" + some(37, _ALNUM + "/+")
HEX = "0123456789abcdef"
SECRETS: dict[str, str] = {
    "aws_access_key": f'id: "{AWS_ID}", secret: "{AWS_SECRET}"',
    "github_token": checksummed("ghp"),
    "github_fine_grained_token": f"github_pat_{some(22)}_{some(59)}",
    "npm_token": checksummed("npm"),
    "gitlab_token": f"glpat-{some(20)}",
    "slack_bot_token": f"xoxb-{some(12, '123456789')}-{some(12, '123456789')}-{some(24)}",
    "slack_user_token": "xoxp-"
    + "-".join(some(12, "12345") for _ in range(3))
    + f"-{some(32, HEX)}",
    "slack_webhook": "https://hooks.slack.com/services/"
    + "/".join((f"T{some(9, '0A1B2')}", f"B{some(9, '0A1B2')}", some(24))),
    "stripe_secret_key": f"sk_live_{some(24)}",
    "stripe_restricted_key": f"rk_live_{some(99)}",
    "sendgrid_key": f"SG.{some(22)}.{some(43)}",
    "google_oauth_secret": f"GOCSPX-{some(28)}",
    "openai_key": f"sk-proj-{some(40)}T3BlbkFJ{some(40)}",
    "anthropic_key": f"sk-ant-api03-{some(93)}AA",
    "shopify_token": f"shpat_{some(32, HEX)}",
    "digitalocean_token": f"dop_v1_{some(64, HEX)}",
    "pypi_token": f"pypi-AgEIcHlwaS5vcmc{some(100)}",
    "telegram_bot_token": f"https://api.telegram.org/bot{some(9, '123456789')}:AA{some(33)}",
    "azure_storage_key": f"AccountName=shop;AccountKey={some(86)}==;",
    "private_key": pem(),
}
PUBLIC: dict[str, str] = {
    "stripe_publishable_key": f"pk_live_{some(24)}",
    "google_api_key": f"AIza{some(35)}",
    "sentry_dsn": f"https://{some(32, HEX)}@o12345.ingest.de.sentry.io/678",
}
