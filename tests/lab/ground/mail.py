"""Mail: SPF, DMARC, DKIM, MTA-STS, TLS-RPT, DANE, STARTTLS. DNS around it is good."""

import base64
import hashlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.lab.acceptor import Talk, in_tls, silent
from tests.lab.certificates import Identity, expired, rsa_key, self_signed
from tests.lab.dns_server import Fault
from tests.lab.dns_zones import Denial, Signing, ZoneSpec
from tests.lab.lab import Lab
from tests.lab.pages import answering
from tests.lab.truth import Case, ids
from tests.lab.web_server import Page, redirect

_SPF = tuple(
    f"mail.spf.{kind}"
    for kind in (
        *("missing", "multiple", "syntax", "too_many_lookups", "pass_all", "neutral_all"),
        *("no_all", "softfail", "ptr"),
    )
)
_DMARC = tuple(
    f"mail.dmarc.{kind}"
    for kind in ("missing", "policy_none", "testing", "partial", "no_rua", "syntax")
)
_TRANSPORT = tuple(
    f"mail.{kind}"
    for kind in (
        *("dkim.weak_key", "mtasts.missing", "mtasts.invalid", "mtasts.testing"),
        *("tlsrpt.missing", "dane.missing", "dane.no_dnssec", "dane.mismatch"),
        *("starttls.missing", "starttls.legacy_tls", "starttls.cert"),
    )
)
_ALL = ids(" ".join((*_SPF, *_DMARC, *_TRANSPORT)))
_CAA = '@ CAA 0 issue "lab.ca"\n@ CAA 0 iodef "mailto:security@lab.ca"\n'
_REJECT = '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@{domain}"\n'
_SMTP = 25


def _text(value: str, owner: str = "@") -> str:
    return f'{owner} TXT "{value}"\n'


def _senders() -> Iterator[tuple[str, str, str]]:
    """Name, what must be found, and TXT records; none of these domains takes mail."""
    many = " ".join(f"include:p{number}.spf.lab" for number in range(11))
    ten = " ".join(f"include:p{number}.spf.lab" for number in range(10))
    for name, must, spf in (
        ("good", "", "v=spf1 ip4:192.0.2.1 -all"),
        ("upper", "", "V=SPF1 IP4:192.0.2.1 -ALL"),
        ("none", "mail.spf.missing", ""),
        ("look-alike", "mail.spf.missing", "v=spf10 -all"),
        ("unknown-term", "mail.spf.syntax", "v=spf1 ipv4:192.0.2.1 -all"),
        ("bad-prefix", "mail.spf.syntax", "v=spf1 ip4:192.0.2.0/33 -all"),
        ("bad-address", "mail.spf.syntax", "v=spf1 ip4:192.0.2 -all"),
        ("no-blank", "mail.spf.syntax", "v=spf1 ip4:192.0.2.1-all"),
        ("unknown-modifier", "", "v=spf1 x-lab=1 ip4:192.0.2.1 -all"),
        ("after-all", "mail.spf.syntax", "v=spf1 -all ip4:192.0.2.1"),
        ("eleven", "mail.spf.too_many_lookups", f"v=spf1 {many} -all"),
        ("ten", "", f"v=spf1 {ten} -all"),
        (
            "nested",
            "mail.spf.too_many_lookups",
            "v=spf1 include:nine.spf.lab include:nine.spf.lab -all",
        ),
        ("void", "mail.spf.too_many_lookups", "v=spf1 a:v1.spf.lab a:v2.spf.lab a:v3.spf.lab -all"),
        ("two-void", "", "v=spf1 a:v1.spf.lab a:v2.spf.lab -all"),
        ("missing-include", "mail.spf.syntax", "v=spf1 include:nothing-here.spf.lab -all"),
        ("plus-all", "mail.spf.pass_all", "v=spf1 +all"),
        ("bare-all", "mail.spf.pass_all", "v=spf1 all"),
        ("whole-net", "mail.spf.pass_all", "v=spf1 ip4:0.0.0.0/0 -all"),
        ("two-halves", "mail.spf.pass_all", "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"),
        ("neutral", "mail.spf.neutral_all", "v=spf1 ip4:192.0.2.1 ?all"),
        ("no-end", "mail.spf.no_all mail.spf.neutral_all", "v=spf1 ip4:192.0.2.1"),
        ("redirect", "", "v=spf1 redirect=p1.spf.lab"),
        ("soft", "", "v=spf1 ip4:192.0.2.1 ~all"),
        ("ptr", "mail.spf.ptr", "v=spf1 ptr -all"),
        ("macro", "", "v=spf1 exists:%{{i}}.spf.lab -all"),
    ):
        yield f"spf-{name}", must, _REJECT + (_text(spf) if spf else "")
    yield "spf-two", "mail.spf.multiple", _REJECT + _text("v=spf1 -all") + _text("v=spf1 a -all")
    yield "spf-beside-others", "", _REJECT + _text("v=spf1 -all") + _text("verification=1")
    yield "spf-in-pieces", "", _REJECT + '@ TXT "v=spf1 ip4:192.0" ".2.1 -all"\n'
    none = _text("v=DMARC1; p=none; rua=mailto:d@{domain}", "_dmarc")
    yield "spf-soft-alone", "mail.spf.softfail mail.dmarc.policy_none", none + _text("v=spf1 ~all")
    all_closed = _text("v=spf1 -all")
    for name, must, record in (
        ("good", "", "v=DMARC1; p=reject; rua=mailto:d@{domain}"),
        ("quarantine", "", "v=DMARC1; p=quarantine; rua=mailto:d@{domain}"),
        ("spaced", "", "v=DMARC1 ; rua=mailto:d@{domain} ;p = reject;"),
        ("unknown-tags", "", "v=DMARC1; zz=1; p=reject; ri=86400; rua=mailto:d@{domain}"),
        ("none", "mail.dmarc.policy_none", "v=DMARC1; p=none; rua=mailto:d@{domain}"),
        ("no-p", "mail.dmarc.policy_none", "v=DMARC1; rua=mailto:d@{domain}"),
        ("sp-none", "mail.dmarc.policy_none", "v=DMARC1; p=reject; sp=none; rua=mailto:d@{domain}"),
        ("testing", "mail.dmarc.testing", "v=DMARC1; p=reject; t=y; rua=mailto:d@{domain}"),
        ("partial", "mail.dmarc.partial", "v=DMARC1; p=reject; pct=20; rua=mailto:d@{domain}"),
        ("whole", "", "v=DMARC1; p=reject; pct=100; rua=mailto:d@{domain}"),
        ("no-rua", "mail.dmarc.no_rua", "v=DMARC1; p=reject"),
        ("bad-rua", "mail.dmarc.no_rua", "v=DMARC1; p=reject; rua=d@{domain}"),
        ("foreign-rua", "mail.dmarc.no_rua", "v=DMARC1; p=reject; rua=mailto:d@stranger.lab"),
        ("agreed-rua", "", "v=DMARC1; p=reject; rua=mailto:d@collector.lab"),
        ("bad-p", "mail.dmarc.syntax", "v=DMARC1; p=block; rua=mailto:d@{domain}"),
        ("late-v", "mail.dmarc.syntax", "p=reject; v=DMARC1; rua=mailto:d@{domain}"),
    ):
        yield f"dmarc-{name}", must, all_closed + _text(record, "_dmarc")
    yield "dmarc-missing", "mail.dmarc.missing", all_closed
    two = _text("v=DMARC1; p=reject", "_dmarc") + _text("v=DMARC1; p=none", "_dmarc")
    yield "dmarc-two", "mail.dmarc.syntax", all_closed + two
    beside = _text("something else", "_dmarc")
    yield "dmarc-beside-others", "", all_closed + _REJECT + beside


def cases(lab: Lab) -> Iterator[Case]:
    _policies(lab)
    for name, must, records in _senders():
        domain = f"{name}.lab"
        lab.zone(_zone(domain, "@ MX 0 .\n" + records.format(domain=domain)))
        wanted = ids(must)
        # With a policy of none ~all counts, and what a broken record says is not judged.
        yield Case(f"mail-{name}", domain, wanted, _ALL - wanted)
    yield from _inherited(lab)
    for domain in _domains(lab):
        yield domain.serve(lab)


def _zone(domain: str, records: str, signing: Signing = Signing.SIGNED) -> ZoneSpec:
    return ZoneSpec(domain, _CAA + records, signing, Denial.NSEC3)


def _policies(lab: Lab) -> None:
    """What SPF records of the lab refer to."""
    lab.host(
        "spf.lab", *(f'p{number} TXT "v=spf1 ip4:198.51.100.{number} -all"' for number in range(11))
    )
    nine = " ".join(f"include:p{number}.spf.lab" for number in range(5))
    lab.host("spf.lab", f'nine TXT "v=spf1 {nine} -all"')
    for number in (1, 2, 3):
        lab.host("spf.lab", f'v{number} TXT "no address"')
    lab.host("stranger.lab")
    lab.host("collector.lab", 'dmarc-agreed-rua.lab._report._dmarc TXT "v=DMARC1"')


def _inherited(lab: Lab) -> Iterator[Case]:
    lab.host("parent.lab", f"www A {lab.address()}", "sub TXT hello")
    yield Case("mail-sub-domain", "www.parent.lab", traps=_ALL)
    domain = "mail-servfail.lab"
    lab.zone(_zone(domain, "@ MX 0 .\n"), Fault.ONLY_SOA)
    yield Case("mail-servfail", domain, traps=_ALL)
    domain = "dmarc-servfail.lab"
    lab.zone(_zone(domain, "@ MX 0 .\n" + _text("v=spf1 -all")))
    lab.faults[f"_dmarc.{domain}"] = Fault.SERVFAIL
    yield Case("mail-dmarc-servfail", domain, traps=_ALL)
    domain = "dmarc-silent.lab"
    lab.zone(_zone(domain, "@ MX 0 .\n" + _text("v=spf1 -all")))
    lab.faults[f"_dmarc.{domain}"] = Fault.SILENT
    yield Case("mail-dmarc-silent", domain, traps=_ALL)


def _key_record(bits: int) -> str:
    der = rsa_key(bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(der).decode()
    pieces = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
    return f'"v=DKIM1; k=rsa; p=" {pieces}'


_ED25519 = f'"v=DKIM1; k=ed25519; p={base64.b64encode(bytes(32)).decode()}"'


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain with one mail server; good but for what is given."""

    name: str
    must: str = ""
    spf: str = "v=spf1 mx -all"
    dkim: str = f"default._domainkey TXT {_ED25519}"
    identity: Identity | None = None
    tls: ssl.SSLContext | None = None
    talk: Talk | None = None
    sts_record: str | None = "v=STSv1; id=1"
    sts: Page | None = None
    tls_rpt: bool = True
    tlsa: tuple[str, ...] | None = None
    """None pins the certificate's key; empty publishes nothing."""
    signing: Signing = Signing.SIGNED
    may: str = ""

    def serve(self, lab: Lab) -> Case:
        domain, host = f"mx-{self.name}.lab", f"mail.mx-{self.name}.lab"
        address, policy_address = lab.address(), lab.address()
        identity = self.identity or lab.identity(host)
        lab.listen(address, _SMTP, self.talk or _smtp(self.tls or lab.context(identity)))
        policy = self.sts or _policy(f"mx: {host}")
        web = lab.context(lab.identity(f"mta-sts.{domain}"))
        path = "/.well-known/mta-sts.txt"
        talk = answering(lambda r: policy if r.path == path else None)
        lab.listen(policy_address, 443, in_tls(web, talk))
        pins = (pin_of(identity),) if self.tlsa is None else self.tlsa
        records = [
            f"@ MX 10 {host}.",
            f"mail A {address}",
            f"mta-sts A {policy_address}",
            self.dkim,
            _REJECT.format(domain=domain),
            _text(self.spf),
            *(f"_25._tcp.mail TLSA {pin}" for pin in pins),
        ]
        if self.sts_record is not None:
            records.append(_text(self.sts_record, "_mta-sts"))
        if self.tls_rpt:
            records.append(_text(f"v=TLSRPTv1; rua=mailto:t@{domain}", "_smtp._tls"))
        lab.zone(_zone(domain, "\n".join(records), self.signing))
        wanted = ids(self.must)
        return Case(f"mail-{self.name}", domain, wanted, _ALL - wanted, ids(self.may))


def pin_of(identity: Identity) -> str:
    """TLSA 3 1 1: the hash of the server's key."""
    key = identity.certificate.public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"


def _policy(*lines: str, mode: str = "enforce", max_age: int = 604_800) -> Page:
    text = "\r\n".join(("version: STSv1", f"mode: {mode}", *lines, f"max_age: {max_age}", ""))
    return Page(headers=(("Content-Type", "text/plain"),), body=text.encode())


_OFFERS = b"250-mail.lab\r\n250-SIZE 1000000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
_OFFERS_NOT = b"250-mail.lab\r\n250 SIZE 1000000\r\n"


def _read_line(client: socket.socket) -> bytes:
    """Byte by byte: what follows may be a TLS hello."""
    line = b""
    while not line.endswith(b"\n") and (piece := client.recv(1)):
        line += piece
    return line


def _smtp(
    context: ssl.SSLContext | None,
    *,
    greeting: bytes = b"220 mail.lab ESMTP Postfix\r\n",
    hello: bytes = _OFFERS,
    ready: bytes = b"220 2.0.0 Ready to start TLS\r\n",
) -> Talk:
    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        answers = {b"STAR": ready, b"EHLO": hello, b"QUIT": b"221 Bye\r\n"}
        while line := _read_line(client):
            word = line[:4].upper()
            client.sendall(answers.get(word, b"502 5.5.2 Command not recognized\r\n"))
            if word == b"STAR" and context is not None and ready.startswith(b"220"):
                with context.wrap_socket(client, server_side=True) as wrapped:
                    silent(wrapped)
                return

    return talk


def _old_tls(lab: Lab, identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0")
    context.load_cert_chain(*identity.write(lab.directory, lab.unique("mail")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def _domains(lab: Lab) -> Iterator[_Domain]:
    yield _Domain("good")
    yield _Domain("no-dkim", "mail.dkim.missing", dkim="")
    yield _Domain("own-selector", dkim=f"x2026-11._domainkey TXT {_ED25519}")
    yield _Domain(
        "dkim-1024", "mail.dkim.weak_key", dkim=f"default._domainkey TXT {_key_record(1024)}"
    )
    yield _Domain("dkim-2048", dkim=f"selector1._domainkey TXT {_key_record(2048)}")
    yield _Domain("dkim-revoked", dkim='google._domainkey TXT "v=DKIM1; p="')
    yield _Domain(
        "no-sts", "mail.mtasts.missing", sts_record=None, tlsa=(), may="mail.dane.missing"
    )
    yield _Domain("no-sts-but-dane", sts_record=None)
    yield _Domain("no-dane", "mail.dane.missing", tlsa=())
    yield _Domain("no-tls-rpt", "mail.tlsrpt.missing", tls_rpt=False)
    invalid = "mail.mtasts.invalid"
    host = "mx: mail.mx-{}.lab"
    yield _Domain("sts-404", invalid, sts=Page(404))
    yield _Domain("sts-redirect", invalid, sts=redirect("https://good.web.lab/"))
    yield _Domain("sts-other-mx", invalid, sts=_policy("mx: elsewhere.lab"))
    yield _Domain("sts-wildcard", sts=_policy("mx: *.mx-sts-wildcard.lab"))
    yield _Domain("sts-mode-none", invalid, sts=_policy(host.format("sts-mode-none"), mode="none"))
    yield _Domain("sts-short", invalid, sts=_policy(host.format("sts-short"), max_age=3600))
    yield _Domain(
        "sts-no-version",
        invalid,
        sts=Page(
            headers=(("Content-Type", "text/plain"),),
            body=b"mode: enforce\nmx: mail.mx-sts-no-version.lab\nmax_age: 604800\n",
        ),
    )
    yield _Domain(
        "sts-testing",
        "mail.mtasts.testing",
        sts=_policy(host.format("sts-testing"), mode="testing"),
    )
    yield _Domain(
        "sts-lf",
        sts=Page(
            headers=(("Content-Type", "text/plain"),),
            body=b"version: STSv1\nmode: enforce\nmx: mail.mx-sts-lf.lab\nmax_age: 604800\n",
        ),
    )
    other = pin_of(lab.identity("other.lab"))
    yield _Domain("dane-mismatch", "mail.dane.mismatch", tlsa=(other,))
    rolled = lab.identity("mail.mx-dane-roll-over.lab")
    yield _Domain("dane-roll-over", identity=rolled, tlsa=(other, pin_of(rolled)))
    yield _Domain(
        "dane-unsigned", "mail.dane.no_dnssec", signing=Signing.UNSIGNED, may="dns.dnssec.missing"
    )
    plain = _smtp(None, hello=_OFFERS_NOT)
    yield _Domain("no-starttls", "mail.starttls.missing", talk=plain)
    yield _Domain(
        "starttls-refused",
        "mail.starttls.missing",
        talk=_smtp(None, ready=b"554 5.7.3 TLS unavailable\r\n"),
    )
    yield _Domain("greylisted", talk=_smtp(None, greeting=b"451 4.7.1 Try again later\r\n"))
    yield _Domain("greylisted-at-hello", talk=_smtp(None, hello=b"450 4.7.1 Greylisted\r\n"))
    yield _Domain("starttls-later", talk=_smtp(None, ready=b"454 4.7.0 TLS not available now\r\n"))
    yield _Domain("refuses-strangers", talk=_smtp(None, greeting=b"554 5.7.1 No\r\n"))
    yield _Domain("mute", talk=silent)
    yield _Domain(
        "many-lines",
        talk=_smtp(
            lab.context(lab.identity("mail.mx-many-lines.lab")),
            greeting=b"220-mail.lab ESMTP\r\n220-hello\r\n220 there\r\n",
        ),
        tlsa=(),
        may="mail.dane.missing",
    )
    identity = lab.identity("mail.mx-old-tls.lab")
    yield _Domain(
        "old-tls", "mail.starttls.legacy_tls", identity=identity, tls=_old_tls(lab, identity)
    )
    cert = "mail.starttls.cert"
    selfmade = self_signed(["mail.mx-self-signed.lab"])
    yield _Domain("self-signed", cert, identity=selfmade, tlsa=(), may="mail.dane.missing")
    pinned = self_signed(["mail.mx-self-signed-pinned.lab"])
    yield _Domain("self-signed-pinned", identity=pinned)
    ended = expired(lab.intermediate, ["mail.mx-cert-expired.lab"])
    yield _Domain("cert-expired", cert, identity=ended, tlsa=(), may="mail.dane.missing")
    elsewhere = lab.identity("mail.elsewhere.lab")
    yield _Domain("cert-other-name", cert, identity=elsewhere, tlsa=(), may="mail.dane.missing")
