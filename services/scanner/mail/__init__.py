"""Mail: what a domain publishes so that nobody can forge or read its mail, and how mail arrives.

``probe`` asks DNS alone; ``transport`` talks to the mail servers and fetches the MTA-STS policy.
"""

from services.scanner.dns.zone import clean
from services.scanner.mail import checks, dmarc_checks, spf_checks, transport_checks
from services.scanner.mail.facts import MailFacts
from services.scanner.mail.probe import probe_mail
from services.scanner.mail.transport import probe_transport
from services.scanner.mail.transport_facts import MxServer, TransportFacts
from services.scanner.suite import Suite
from services.scanner.tls.facts import Support

SUITE: Suite[str, MailFacts] = Suite(
    "mail", probe_mail, spf_checks.CHECKS + dmarc_checks.CHECKS + checks.CHECKS
)
"""The subject is a domain name in A-label form."""

TRANSPORT_SUITE: Suite[str, TransportFacts] = Suite(
    "mail transport", probe_transport, transport_checks.CHECKS
)
"""The subject is a domain name; its mail servers are connected to."""


def describe(facts: MailFacts) -> dict[str, object]:
    """The facts as JSON, for ``mail_info``."""
    spf, dmarc = facts.spf, facts.dmarc
    return {
        "name": facts.name,
        "mx": {
            "lookup": facts.mx.lookup.value,
            "hosts": [clean(host) for host in facts.mx.hosts],
            "is_null": facts.mx.is_null,
        },
        "spf": {
            "lookup": spf.lookup.value,
            "records": [clean(text) for text in spf.records[:5]],
            "lookups": spf.lookups,
            "void_lookups": spf.void_lookups,
            "all": spf.all_qualifier,
        },
        "dmarc": {
            "lookup": dmarc.lookup.value,
            "found_at": dmarc.found_at or None,
            "record": None if dmarc.record is None else clean(dmarc.record.text),
            "policy": None if dmarc.record is None else dmarc.record.policy.value,
            "organizational_domain": dmarc.organizational_domain,
        },
        "dkim": {
            "keys": [
                {"selector": k.selector, "kind": clean(k.kind), "bits": k.bits}
                for k in facts.dkim.keys[:20]
            ]
        },
        "mta_sts": [clean(text) for text in facts.mta_sts.texts[:5]],
        "tls_rpt": [clean(text) for text in facts.tls_rpt.texts[:5]],
        "tlsa": [
            {
                "owner": clean(found.owner),
                "lookup": found.lookup.value,
                "security": found.security.value if found.records else None,
                "records": [str(record) for record in found.records[:5]],
            }
            for found in facts.tlsa
        ],
    }


def describe_transport(facts: TransportFacts) -> dict[str, object]:
    """The facts as JSON, beside those of ``describe`` in ``mail_info``."""
    policy = facts.sts.policy
    return {
        "servers": [
            {"name": clean(host.name), **_server(server)}
            for host in facts.hosts
            for server in host.servers
        ],
        "mta_sts_policy": {
            "state": facts.sts.state.value,
            "reason": clean(facts.sts.reason),
            "mode": None if policy is None else clean(policy.mode),
            "max_age_s": None if policy is None else policy.max_age_s,
            "mx": [] if policy is None else [clean(pattern) for pattern in policy.mx[:20]],
        },
    }


def _server(server: MxServer) -> dict[str, object]:
    leaf = server.certificate.leaf
    return {
        "address": str(server.address),
        "starttls": server.talk.state.value,
        "reason": server.talk.reason,
        "greeting": server.talk.greeting,
        "versions": [
            version.label
            for version, support in sorted(server.versions.items())
            if support is Support.ACCEPTED
        ],
        "certificate": None
        if leaf is None
        else {
            "subject": leaf.subject,
            "not_after": leaf.not_after.isoformat(),
            "fingerprint_sha256": leaf.fingerprint,
            "trust": server.certificate.trust.status.value,
            "covers_name": server.certificate.covers_name,
        },
    }


__all__ = [
    "SUITE",
    "TRANSPORT_SUITE",
    "MailFacts",
    "TransportFacts",
    "describe",
    "describe_transport",
]
