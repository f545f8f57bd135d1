"""What stands in DNS and in the registry: zones, mail, registration."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from services.scanner.dns.facts import (
    AliasFacts,
    Attempt,
    CaaFacts,
    CaaRecord,
    ChainFault,
    Claim,
    DenialFacts,
    DenialKind,
    DnsFacts,
    DnssecFacts,
    DsFact,
    Ipv6Facts,
    KeyFact,
    NameServer,
    Records,
    Security,
    ServerFacts,
    ServerState,
)
from services.scanner.mail.dane import TlsaFacts, TlsaRecord
from services.scanner.mail.dmarc import DmarcFacts, parse_dmarc
from services.scanner.mail.facts import DkimFacts, DkimKey, MailFacts, MxFacts, TextFacts
from services.scanner.mail.mta_sts import StsPolicy
from services.scanner.mail.spf import SpfFacts
from services.scanner.mail.spf_record import parse_spf
from services.scanner.mail.transport_facts import (
    MxHost,
    MxServer,
    ShownCertificate,
    SmtpState,
    SmtpTalk,
    StsFacts,
    StsState,
    TransportFacts,
)
from services.scanner.registration.facts import Registration, RegistrationFacts
from services.scanner.resolver import Lookup
from services.scanner.tls.facts import Support
from services.scanner.tls.wire import Version
from tests.lab.certificates import Authority
from tests.scanner.outcomes.samples import Sample, Samples
from tests.scanner.tls.factories import a_certificate, trusted
from tests.scanner.tls.test_certificates import der

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME, MX_NAME = "example.test", "mx.example.test"
HERE, GONE, LOST = Lookup.PRESENT, Lookup.NODATA, Lookup.UNKNOWN
IPV4, IPV4_TOO, IPV6 = map(ip_address, ("192.0.2.1", "198.51.100.1", "2001:db8::1"))

KEY = KeyFact(1, 13, None, is_entry_point=True)
DS = DsFact(1, 13, 2, is_matched=True)
SIGNED = DnssecFacts(
    Security.SECURE,
    "every signature verifies",
    NAME,
    keys=(KEY,),
    is_signed=True,
    ds=(DS,),
    signed_since=NOW - timedelta(days=10),
    signed_until=NOW + timedelta(days=20),
    checked_at=NOW,
)
UNKNOWN_CHAIN = DnssecFacts(Security.INDETERMINATE, "no answer", NAME)
SERVERS = (NameServer("ns1.test", (IPV4,)), NameServer("ns2.test", (IPV4_TOO,)))
ZONE = DnsFacts(
    name=NAME,
    zone=NAME,
    a=Records(HERE, ("192.0.2.1",)),
    aaaa=Records(HERE, ("2001:db8::1",)),
    mx=Records(GONE),
    ns=Records(HERE, ("ns1.test", "ns2.test")),
    name_servers=SERVERS,
    caa=CaaFacts(
        HERE,
        NAME,
        (CaaRecord(0, "issue", "ca.test"), CaaRecord(0, "iodef", "mailto:a@example.test")),
    ),
    dnssec=SIGNED,
    servers=(ServerFacts(IPV4, ServerState.SERVES, is_transfer_open=False),),
    alias=AliasFacts(HERE, ("target.test",)),
    ipv6=Ipv6Facts((Attempt(IPV6, is_open=True),), (Attempt(IPV4, is_open=True),)),
    denial=DenialFacts(DenialKind.NSEC3),
)


def _zone(**fields: object) -> DnsFacts:
    return replace(ZONE, **fields)  # pyright: ignore[reportArgumentType]  # fields by name


def _chain(**fields: object) -> DnsFacts:
    return _zone(dnssec=replace(SIGNED, **fields))  # pyright: ignore[reportArgumentType]  # fields by name


NO_CAA = _zone(caa=CaaFacts(LOST, reason="no answer"))
NO_NS = _zone(ns=Records(LOST, reason="no answer"), name_servers=())
NO_CHAIN = _zone(dnssec=UNKNOWN_CHAIN)
NO_SERVER = _zone(servers=())

ZONE_SAMPLES: Samples = {
    "dns.dnssec.missing": Sample(
        ZONE,
        _zone(dnssec=DnssecFacts(Security.INSECURE, "proved", NAME, broken_at=NAME)),
        NO_CHAIN,
    ),
    "dns.dnssec.no_ds": Sample(
        ZONE,
        _chain(security=Security.INSECURE, reason="no DS", broken_at=NAME, ds=()),
        NO_CHAIN,
    ),
    "dns.dnssec.bogus": Sample(
        ZONE, _chain(security=Security.BOGUS, reason="a bad signature"), NO_CHAIN
    ),
    "dns.dnssec.sig_expired": Sample(ZONE, _chain(signed_until=NOW + timedelta(hours=1)), NO_CHAIN),
    "dns.dnssec.ds_mismatch": Sample(
        ZONE,
        _chain(security=Security.BOGUS, fault=ChainFault.DS_MISMATCH, broken_at=NAME),
        NO_CHAIN,
    ),
    "dns.dnssec.weak_algorithm": Sample(ZONE, _chain(keys=(replace(KEY, algorithm=5),)), NO_CHAIN),
    "dns.dnssec.nsec_walkable": Sample(
        ZONE,
        _zone(denial=DenialFacts(DenialKind.NSEC, ("a.example.test", "b.example.test"))),
        _zone(denial=DenialFacts(reason="no answer")),
    ),
    "dns.axfr.open": Sample(
        ZONE,
        _zone(servers=(ServerFacts(IPV4, ServerState.SERVES, is_transfer_open=True),)),
        NO_SERVER,
    ),
    "dns.caa.missing": Sample(ZONE, _zone(caa=CaaFacts(GONE)), NO_CAA),
    "dns.caa.no_iodef": Sample(
        ZONE, _zone(caa=CaaFacts(HERE, NAME, (CaaRecord(0, "issue", "ca.test"),))), NO_CAA
    ),
    "dns.ns.single": Sample(ZONE, _zone(name_servers=SERVERS[:1]), NO_NS),
    "dns.ns.same_network": Sample(
        ZONE,
        _zone(name_servers=(SERVERS[0], NameServer("ns2.test", (ip_address("192.0.2.2"),)))),
        NO_NS,
    ),
    "dns.ns.lame": Sample(
        ZONE, _zone(servers=(ServerFacts(IPV4, ServerState.REFUSES, "REFUSED"),)), NO_SERVER
    ),
    "dns.ipv6.missing": Sample(
        ZONE, _zone(aaaa=Records(GONE)), _zone(aaaa=Records(LOST, reason="no answer"))
    ),
    "dns.ipv6.unreachable": Sample(
        ZONE,
        _zone(
            ipv6=Ipv6Facts(
                (Attempt(IPV6, is_open=False, reason="timed out"),),
                (Attempt(IPV4, is_open=True),),
                scanner_has_ipv6=True,
            )
        ),
        _zone(
            ipv6=Ipv6Facts(
                (Attempt(IPV6, is_open=False),),
                (Attempt(IPV4, is_open=True),),
                scanner_has_ipv6=False,
            )
        ),
    ),
    "dns.cname.dangling": Sample(
        ZONE,
        _zone(alias=AliasFacts(Lookup.NXDOMAIN, ("gone.test",), claim=Claim.OPEN, provider="x")),
        _zone(alias=AliasFacts(LOST, ("gone.test",), reason="no answer")),
    ),
}

MX = MxFacts(HERE, (MX_NAME,))
PIN = TlsaRecord(3, 1, 1, b"\x01" * 32)
PINNED = TlsaFacts("_25._tcp.mx", HERE, (PIN,), Security.SECURE)
UNKNOWN_PIN = TlsaFacts("_25._tcp.mx", LOST, reason="no answer")


def _spf(text: str, **fields: object) -> SpfFacts:
    record = parse_spf(text)
    ends = [term.qualifier for term in record.mechanisms if term.name == "all"]
    facts = SpfFacts(HERE, (text,), record=record, all_qualifier=ends[0] if ends else None)
    return replace(facts, **fields)  # pyright: ignore[reportArgumentType]  # fields by name


def _dmarc(text: str, **fields: object) -> DmarcFacts:
    facts = DmarcFacts(HERE, found_at=NAME, record=parse_dmarc(text), own_texts=(text,))
    return replace(facts, **fields)  # pyright: ignore[reportArgumentType]  # fields by name


MAIL = MailFacts(
    NAME,
    is_apex=True,
    mx=MX,
    spf=_spf("v=spf1 ip4:192.0.2.0/24 -all"),
    dmarc=_dmarc("v=DMARC1; p=reject; rua=mailto:a@example.test"),
    dkim=DkimFacts(GONE, (DkimKey("s1", "rsa", 2048),)),
    mta_sts=TextFacts(HERE, ("v=STSv1; id=1",)),
    tls_rpt=TextFacts(HERE, ("v=TLSRPTv1; rua=mailto:a@example.test",)),
    tlsa=(PINNED,),
)


def _mail(**fields: object) -> MailFacts:
    return replace(MAIL, **fields)  # pyright: ignore[reportArgumentType]  # fields by name


def _with_spf(text: str, **fields: object) -> MailFacts:
    return _mail(spf=_spf(text, **fields))


def _with_dmarc(text: str) -> MailFacts:
    return _mail(dmarc=_dmarc(text))


NO_SPF = _mail(spf=SpfFacts(LOST, reason="no answer"))
NO_DMARC = _mail(dmarc=DmarcFacts(LOST, reason="no answer"))
BLIND_MX = _mail(mx=MxFacts(LOST, reason="no answer"))
BLIND_DKIM = _mail(dkim=DkimFacts(LOST, reason="no answer"))

MAIL_SAMPLES: Samples = {
    "mail.spf.missing": Sample(MAIL, _mail(spf=SpfFacts(GONE)), NO_SPF),
    "mail.spf.multiple": Sample(
        MAIL, _mail(spf=SpfFacts(HERE, ("v=spf1 -all", "v=spf1 ~all"))), NO_SPF
    ),
    "mail.spf.syntax": Sample(MAIL, _with_spf("v=spf1 ipv4:192.0.2.1 -all"), NO_SPF),
    "mail.spf.too_many_lookups": Sample(
        MAIL, _with_spf("v=spf1 include:a.test -all", lookups=11), NO_SPF
    ),
    "mail.spf.pass_all": Sample(MAIL, _with_spf("v=spf1 +all", passes_everyone="+all"), NO_SPF),
    "mail.spf.neutral_all": Sample(MAIL, _with_spf("v=spf1 ?all"), NO_SPF),
    "mail.spf.no_all": Sample(MAIL, _with_spf("v=spf1 ip4:192.0.2.1"), NO_SPF),
    "mail.spf.softfail": Sample(
        MAIL,
        _mail(spf=_spf("v=spf1 ~all"), dmarc=_dmarc("v=DMARC1; p=none")),
        NO_SPF,
    ),
    "mail.spf.ptr": Sample(MAIL, _with_spf("v=spf1 ptr -all"), NO_SPF),
    "mail.dmarc.missing": Sample(MAIL, _mail(dmarc=DmarcFacts(GONE)), NO_DMARC),
    "mail.dmarc.policy_none": Sample(MAIL, _with_dmarc("v=DMARC1; p=none"), NO_DMARC),
    "mail.dmarc.testing": Sample(MAIL, _with_dmarc("v=DMARC1; p=reject; t=y"), NO_DMARC),
    "mail.dmarc.partial": Sample(MAIL, _with_dmarc("v=DMARC1; p=reject; pct=50"), NO_DMARC),
    "mail.dmarc.no_rua": Sample(MAIL, _with_dmarc("v=DMARC1; p=reject"), NO_DMARC),
    "mail.dmarc.syntax": Sample(MAIL, _with_dmarc("v=DMARC1; p=sometimes"), NO_DMARC),
    "mail.dkim.missing": Sample(MAIL, _mail(dkim=DkimFacts(Lookup.NXDOMAIN)), BLIND_DKIM),
    "mail.dkim.weak_key": Sample(
        MAIL, _mail(dkim=DkimFacts(GONE, (DkimKey("s1", "rsa", 1024),))), BLIND_DKIM
    ),
    "mail.mtasts.missing": Sample(MAIL, _mail(mta_sts=TextFacts(GONE)), BLIND_MX),
    "mail.tlsrpt.missing": Sample(MAIL, _mail(tls_rpt=TextFacts(GONE)), BLIND_MX),
    "mail.dane.missing": Sample(
        MAIL, _mail(tlsa=(TlsaFacts("_25._tcp.mx", GONE),)), _mail(tlsa=(UNKNOWN_PIN,))
    ),
    "mail.dane.no_dnssec": Sample(
        MAIL,
        _mail(tlsa=(replace(PINNED, security=Security.INSECURE, reason="no DS"),)),
        _mail(tlsa=(UNKNOWN_PIN,)),
    ),
}

CHAIN = (der(Authority.create("Mail Lab").issue([MX_NAME]).certificate),)
MATCHING = TlsaFacts("_25._tcp.mx", HERE, (TlsaRecord(3, 0, 0, CHAIN[0]),), Security.SECURE)
NO_PIN = TlsaFacts("_25._tcp.mx", GONE)
SHOWN = ShownCertificate(CHAIN, a_certificate(), trusted(), covers_name=True)
OLD = (Version.TLS11, Version.TLS10, Version.SSL3)
SERVER = MxServer(
    IPV4, SmtpTalk(SmtpState.READY, "it begins"), dict.fromkeys(OLD, Support.REFUSED), SHOWN
)


def _transport(
    server: MxServer = SERVER, tlsa: TlsaFacts = NO_PIN, sts: StsFacts | None = None
) -> TransportFacts:
    host = MxHost(MX_NAME, (server,), tlsa)
    return TransportFacts(NAME, NOW, MX, (host,), sts or StsFacts(StsState.NOT_ANNOUNCED))


def _server(**fields: object) -> TransportFacts:
    return _transport(replace(SERVER, **fields))  # pyright: ignore[reportArgumentType]  # fields by name


def _policy(mode: str, *mx: str) -> TransportFacts:
    policy = StsPolicy(mode, 604_800, mx)
    return _transport(sts=StsFacts(StsState.READ, policy=policy))


SILENT = _server(talk=SmtpTalk(SmtpState.UNKNOWN, "it did not answer"))
NO_POLICY = _transport(sts=StsFacts(StsState.UNKNOWN, "no answer"))

TRANSPORT_SAMPLES: Samples = {
    "mail.starttls.missing": Sample(
        _transport(), _server(talk=SmtpTalk(SmtpState.NOT_OFFERED, "not offered")), SILENT
    ),
    "mail.starttls.legacy_tls": Sample(
        _transport(),
        _server(versions=dict.fromkeys(OLD, Support.ACCEPTED)),
        _server(versions=dict.fromkeys(OLD, Support.UNKNOWN)),
    ),
    "mail.starttls.cert": Sample(
        _transport(),
        _server(certificate=replace(SHOWN, covers_name=False)),
        _server(certificate=ShownCertificate(problem="it sent none")),
    ),
    "mail.dane.mismatch": Sample(
        _transport(tlsa=MATCHING),
        _transport(tlsa=PINNED),
        _transport(replace(SERVER, certificate=ShownCertificate()), PINNED),
    ),
    "mail.mtasts.invalid": Sample(
        _policy("enforce", MX_NAME), _policy("enforce", "other.test"), NO_POLICY
    ),
    "mail.mtasts.testing": Sample(
        _policy("enforce", MX_NAME), _policy("testing", MX_NAME), NO_POLICY
    ),
}


def _registered(expires_at: datetime | None) -> RegistrationFacts:
    return RegistrationFacts(NAME, NOW, Registration(NAME, expires_at))


UNREGISTERED = RegistrationFacts(NAME, NOW, reason="the registry did not answer")

REGISTRATION_SAMPLES: Samples = {
    "reg.expiry.soon": Sample(
        _registered(NOW + timedelta(days=200)), _registered(NOW + timedelta(days=10)), UNREGISTERED
    ),
    "reg.expiry.unknown": Sample(
        _registered(NOW + timedelta(days=200)), _registered(None), UNREGISTERED
    ),
}

SAMPLES: Samples = {**ZONE_SAMPLES, **MAIL_SAMPLES, **TRANSPORT_SAMPLES, **REGISTRATION_SAMPLES}
