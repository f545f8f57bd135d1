"""DKIM keys under common selectors (RFC 6376 section 3.6.1)."""

import asyncio
import base64
import binascii

import dns.rdatatype
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.scanner.mail.facts import DkimFacts, DkimKey
from services.scanner.mail.spf import text_records
from services.scanner.resolver import Resolver

SELECTORS = (
    "default",
    "dkim",
    "google",
    "k1",
    "k2",
    "mail",
    "s1",
    "s2",
    "selector1",
    "selector2",
)
_MAX_KEY_CHARS = 4096


async def find_keys(resolver: Resolver, domain: str) -> DkimFacts:
    """What stands under the common selectors. Never raises for what DNS says."""
    async with asyncio.TaskGroup() as group:
        below = group.create_task(resolver.lookup(f"_domainkey.{domain}", dns.rdatatype.TXT))
        tasks = {
            selector: group.create_task(text_records(resolver, f"{selector}._domainkey.{domain}"))
            for selector in SELECTORS
        }
    keys: list[DkimKey] = []
    reason = ""
    for selector, task in tasks.items():
        answer, texts = task.result()
        reason = reason or ("" if answer.is_known else answer.reason)
        keys += [key for text in texts if (key := parse_key(selector, text)) is not None]
    return DkimFacts(below.result().lookup, tuple(keys), reason)


def parse_key(selector: str, text: str) -> DkimKey | None:
    """None for what is no key record: a wildcard answers every selector with something."""
    tags = {
        name.strip().lower(): "".join(value.split())
        for name, separator, value in (part.partition("=") for part in text.split(";"))
        if separator
    }
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return None
    kind = tags.get("k", "rsa").lower()
    is_testing = "y" in tags.get("t", "").lower().split(":")
    bits = _rsa_bits(tags["p"]) if kind == "rsa" else None
    return DkimKey(selector, kind, bits, not tags["p"], is_testing)


def _rsa_bits(text: str) -> int | None:
    if not text or len(text) > _MAX_KEY_CHARS:
        return None
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None
