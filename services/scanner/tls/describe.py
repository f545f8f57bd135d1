"""The facts as a JSON-ready document, for a target's ``tls_info``."""

from services.scanner.tls.facts import CertificateFacts, Support, TlsFacts
from services.scanner.tls.wire import Version


def describe(facts: TlsFacts) -> dict[str, object]:
    """Versions, chosen suites, certificate, trust, weak suites and the connections it took."""
    leaf = facts.leaf
    return {
        "observed_at": facts.observed_at.isoformat(),
        "server_name": facts.subject.server_name,
        "versions": {
            version.label: _version(facts, version)
            for version in Version
            if version in facts.versions
        },
        "certificate": _certificate(leaf) if leaf else None,
        "chain_length": len(facts.chain),
        "chain": [certificate.subject for certificate in facts.chain],
        "chain_problem": facts.chain_problem,
        "trust": {"status": facts.trust.status.value, "reason": facts.trust.reason},
        "weak_suites": {
            pool.value: {"support": found.support.value, "suite": found.suite}
            for pool, found in facts.pools.items()
        },
        "post_quantum": facts.post_quantum.value,
        "revocation": {
            "status": facts.revocation.status.value,
            "source": facts.revocation.source or None,
            "reason": facts.revocation.reason,
        },
        "has_staple": facts.has_staple if facts.is_staple_known else None,
        "early_data_bytes": facts.early_data_bytes,
        "connections": facts.connections,
        "exchanges": [
            {
                "asked": exchange.asked,
                "outcome": exchange.outcome,
                "elapsed_ms": exchange.elapsed_ms,
                "answer": exchange.answer,
            }
            for exchange in facts.exchanges
        ],
    }


def _version(facts: TlsFacts, version: Version) -> dict[str, object]:
    seen = facts.versions[version]
    described: dict[str, object] = {"support": seen.support.value, "reason": seen.reason}
    if seen.support is Support.ACCEPTED:
        described |= {
            "suite": seen.suite,
            "group": seen.group,
            "dh_prime_bits": seen.dh_prime_bits,
            "compression": bool(seen.compression),
            "secure_renegotiation": seen.secure_renegotiation,
            "extended_master_secret": seen.extended_master_secret,
            "encrypt_then_mac": seen.encrypt_then_mac,
        }
    return described


def _certificate(leaf: CertificateFacts) -> dict[str, object]:
    return {
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "serial": leaf.serial,
        "subject_alternative_names": [
            *leaf.dns_names,
            *(str(address) for address in leaf.ip_addresses),
        ],
        "not_before": leaf.not_before.isoformat(),
        "not_after": leaf.not_after.isoformat(),
        "key": {"algorithm": leaf.key.algorithm, "bits": leaf.key.bits, "curve": leaf.key.curve},
        "signature": leaf.signature,
        "fingerprint_sha256": leaf.fingerprint,
        "is_self_signed": leaf.is_self_signed,
    }
