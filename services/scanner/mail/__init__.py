"""Mail: what a domain publishes so that nobody can forge or read its mail."""

from services.scanner.dns.zone import clean
from services.scanner.mail import checks, dmarc_checks, spf_checks
from services.scanner.mail.facts import MailFacts
from services.scanner.mail.probe import probe_mail
from services.scanner.suite import Suite

SUITE: Suite[str, MailFacts] = Suite(
    "mail", probe_mail, spf_checks.CHECKS + dmarc_checks.CHECKS + checks.CHECKS
)
"""The subject is a domain name in A-label form."""


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
    }


__all__ = ["SUITE", "MailFacts", "describe"]
