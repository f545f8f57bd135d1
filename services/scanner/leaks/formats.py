"""The providers' formats, written from their public descriptions. State of November 2026. Pure.

Each pattern begins with a literal and has bounded quantifiers alone, so that a hostile text costs
no more than a constant for each place where the literal stands (TGT-4). There is no rule for
"password = …": that is where scanners drown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.scanner.leaks.verification import (
    ENOUGH_BITS_HEX,
    has_github_checksum,
    is_aws_secret,
    is_placeholder,
    is_random,
)

Verify = Callable[[re.Match[str]], bool]
_PAIRING_CHARACTERS = 200
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_JOINING = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")


_ESCAPES = frozenset("nrt")
"""After a backslash they are white space of a script's string."""
_WORD_AFTER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of key. A match counts when it stands alone and ``verify`` says so."""

    kind: str
    pattern: re.Pattern[str]
    verify: Verify
    is_public: bool = False
    """Made to be seen by anybody; worth a look at its restrictions."""
    may_follow: str = ""
    """Characters that may stand right before it although words are made of them."""

    def stands_alone(self, match: re.Match[str]) -> bool:
        """Not in the middle of a longer word, of base64 or of an address."""
        text, start, end = match.string, match.start(), match.end()
        before = text[start - 1 : start]
        is_escape = before in _ESCAPES and text[start - 2 : start - 1] == "\\"
        is_joined = before in _JOINING and before not in self.may_follow and not is_escape
        return not is_joined and text[end : end + 1] not in _WORD_AFTER


def _checksum(match: re.Match[str]) -> bool:
    return has_github_checksum(match[0]) and not is_placeholder(match[0])


def _random(match: re.Match[str]) -> bool:
    """The first group is the part that must be random."""
    return is_random(match[1])


def _random_hex(match: re.Match[str]) -> bool:
    return is_random(match[1], ENOUGH_BITS_HEX)


def _is_paired(match: re.Match[str]) -> bool:
    """An AWS key id with a secret of 40 characters nearby: one alone is not even a secret."""
    if is_placeholder(match[0]):
        return False
    start = max(match.start() - _PAIRING_CHARACTERS, 0)
    before = match.string[start : match.start()]
    after = match.string[match.end() : match.end() + _PAIRING_CHARACTERS]
    near = (found[0] for part in (before, after) for found in _AWS_SECRET.finditer(part))
    return any(is_aws_secret(text) for text in near)


def _format(
    kind: str, pattern: str, verify: Verify, *, is_public: bool = False, may_follow: str = ""
) -> Format:
    return Format(kind, re.compile(pattern), verify, is_public, may_follow)


FORMATS: tuple[Format, ...] = (
    _format("aws_access_key", r"A(?:KIA|SIA)[A-Z2-7]{16}", _is_paired),
    _format("github_token", r"gh[opusr]_[A-Za-z0-9]{36}", _checksum),
    _format("github_fine_grained_token", r"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})", _random),
    _format("npm_token", r"npm_[A-Za-z0-9]{36}", _checksum),
    _format("gitlab_token", r"glpat-([A-Za-z0-9_-]{20})", _random),
    _format("slack_bot_token", r"xoxb-\d{9,14}-\d{9,14}-([A-Za-z0-9]{24})", _random),
    _format("slack_user_token", r"xoxp-\d{9,14}-\d{9,14}-\d{9,14}-([a-f0-9]{32})", _random_hex),
    _format(
        "slack_webhook",
        r"https://hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/([A-Za-z0-9]{24})",
        _random,
    ),
    _format("stripe_secret_key", r"sk_live_([A-Za-z0-9]{24,120})", _random),
    _format("stripe_restricted_key", r"rk_live_([A-Za-z0-9]{24,120})", _random),
    _format("sendgrid_key", r"SG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})", _random),
    _format("google_oauth_secret", r"GOCSPX-([A-Za-z0-9_-]{28})", _random),
    _format(
        "openai_key",
        r"sk-((?:[a-z]{2,8}-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100})",
        _random,
    ),
    _format("anthropic_key", r"sk-ant-(?:api|admin)\d\d-([A-Za-z0-9_-]{80,110}AA)", _random),
    _format("shopify_token", r"shp(?:at|ca|pa|ss)_([a-fA-F0-9]{32})", _random_hex),
    _format("digitalocean_token", r"do[opr]_v1_([a-f0-9]{64})", _random_hex),
    _format("pypi_token", r"pypi-AgEIcHlwaS5vcmc([A-Za-z0-9_-]{50,250})", _random),
    _format("telegram_bot_token", r"bot\d{8,10}:(AA[A-Za-z0-9_-]{33})", _random, may_follow="/"),
    _format("azure_storage_key", r"AccountKey=([A-Za-z0-9/+]{86}==)", _random),
    _format("stripe_publishable_key", r"pk_live_([A-Za-z0-9]{24,120})", _random, is_public=True),
    _format("google_api_key", r"AIza([A-Za-z0-9_-]{35})", _random, is_public=True),
    _format(
        "sentry_dsn",
        r"https://([a-f0-9]{32})@(?:o\d{1,12}\.)?(?:[a-z0-9-]{1,20}\.){0,2}sentry\.io/\d{1,18}",
        _random_hex,
        is_public=True,
    ),
)
