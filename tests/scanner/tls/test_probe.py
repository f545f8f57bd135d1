import json
import ssl
from pathlib import Path

import pytest

from services.scanner.check import CheckResult, Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.tls import SUITE, describe, speaks_tls
from services.scanner.tls.facts import Support, TrustStatus
from services.scanner.tls.probe import probe_tls
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import ContentType, Extension, Version
from tests.lab.certificates import Authority, expired, rsa_key, self_signed
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at
from tests.scanner.tls.test_certificates import der

Tls = ssl.TLSVersion


def _not_seen(results: tuple[CheckResult, ...]) -> set[str]:
    """What makes sense at the endpoint and was not evaluated all the same."""
    return {
        result.check.id
        for result in results
        if result.verdict.outcome is Outcome.NOT_EVALUATED and result.verdict.is_applicable
    }


async def _outcomes(context: ProbeContext, port: int) -> dict[str, Outcome]:
    result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))
    return {r.check.id: r.verdict.outcome for r in result.results}


def _failed(outcomes: dict[str, Outcome]) -> set[str]:
    return {check_id for check_id, outcome in outcomes.items() if outcome is Outcome.FAILED}


async def test_a_modern_server_has_nothing_to_answer_for(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    identity = authority.subordinate("Intermediate").issue([NAME])
    # The ciphers of Mozilla's intermediate profile: AEAD with forward secrecy.
    server = servers.server_context(identity, tmp_path, ciphers="ECDHE+AESGCM:ECDHE+CHACHA20")

    with servers.serving_tls(server) as port:
        facts = await probe_tls(context, at(port))
        seen = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))

    outcomes = {r.check.id: r.verdict.outcome for r in seen.results}
    # OpenSSL 3.0 has no post-quantum group.
    assert _failed(outcomes) == {"tls.kex.pqc_missing"}
    assert _not_seen(seen.results) == set()
    assert facts.accepted == (Version.TLS12, Version.TLS13)
    assert facts.trust.status is TrustStatus.TRUSTED
    assert len(facts.chain) == 2
    assert facts.versions[Version.TLS12].group == "x25519"
    assert facts.versions[Version.TLS12].extended_master_secret
    assert facts.connections <= 12


async def test_the_chain_of_a_server_of_tls13_alone_is_read(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    identity = authority.subordinate("Intermediate").issue([NAME])
    server = servers.server_context(identity, tmp_path, oldest=Tls.TLSv1_3)

    with servers.serving_tls(server) as port:
        facts = await probe_tls(context, at(port))

    assert facts.accepted == (Version.TLS13,)
    assert [certificate.subject for certificate in facts.chain] == [
        f"CN={NAME}",
        "CN=Intermediate",
    ]
    assert facts.trust.status is TrustStatus.TRUSTED
    assert facts.pools[Pool.CBC].support is Support.REFUSED


async def test_a_server_without_tls13_fails_that_check_alone(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    identity = authority.issue([NAME])
    server = servers.server_context(identity, tmp_path, newest=Tls.TLSv1_2, ciphers="ECDHE+AESGCM")

    with servers.serving_tls(server) as port:
        outcomes = await _outcomes(context, port)

    assert _failed(outcomes) == {"tls.protocol.no_tls13"}


async def test_a_server_of_tls10_and_tls11_is_found_out(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(
        authority.issue([NAME]),
        tmp_path,
        oldest=Tls.TLSv1,
        newest=Tls.TLSv1_1,
        ciphers="ALL:@SECLEVEL=0",
    )

    with servers.serving_tls(server) as port:
        facts = await probe_tls(context, at(port))
        outcomes = await _outcomes(context, port)

    assert facts.accepted == (Version.TLS10, Version.TLS11)
    assert facts.leaf is not None
    assert {"tls.protocol.tls10", "tls.protocol.tls11", "tls.protocol.no_modern"} <= _failed(
        outcomes
    )
    assert outcomes["tls.protocol.sslv3"] is Outcome.PASSED


async def test_weak_suites_are_found_one_family_after_the_other(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(
        authority.issue([NAME], key=rsa_key()),
        tmp_path,
        newest=Tls.TLSv1_2,
        ciphers="AES128-SHA:DHE-RSA-AES128-GCM-SHA256:NULL-SHA256:ADH-AES128-SHA:@SECLEVEL=0",
    )
    server.load_dh_params(str(Path(__file__).parent / "fixtures" / "dh1024.pem"))

    with servers.serving_tls(server) as port:
        facts = await probe_tls(context, at(port))
        outcomes = await _outcomes(context, port)

    accepted = {p for p, found in facts.pools.items() if found.support is Support.ACCEPTED}
    assert accepted == {Pool.CBC, Pool.RSA_TRANSPORT, Pool.DHE, Pool.NULL, Pool.ANON}
    assert facts.pools[Pool.DHE].dh_prime_bits == 1024
    assert facts.pools[Pool.RC4].support is Support.REFUSED
    assert {check_id for check_id in _failed(outcomes) if ".cert." not in check_id} == {
        "tls.protocol.no_tls13",
        "tls.cipher.null",
        "tls.cipher.anon",
        "tls.cipher.cbc",
        "tls.kex.no_forward_secrecy",
        "tls.kex.dh_weak",
        "tls.kex.dhe",
        "tls.kex.sha1_signature",
    }


@pytest.mark.parametrize(
    ("fault", "check_id"),
    [
        ("expired", "tls.cert.expired"),
        ("other name", "tls.cert.hostname_mismatch"),
        ("self-signed", "tls.cert.self_signed"),
        ("unknown authority", "tls.cert.untrusted"),
        ("no names", "tls.cert.no_san"),
        ("short key", "tls.cert.weak_key"),
    ],
)
async def test_a_bad_certificate_is_found_out(
    context: ProbeContext, authority: Authority, tmp_path: Path, fault: str, check_id: str
) -> None:
    identity = {
        "expired": lambda: expired(authority, [NAME]),
        "other name": lambda: authority.issue(["other.example.test"]),
        "self-signed": lambda: self_signed([NAME]),
        "unknown authority": lambda: Authority.create("Nobody").issue([NAME]),
        "no names": lambda: authority.issue([], common_name=NAME),
        "short key": lambda: authority.issue([NAME], key=rsa_key(1024)),
    }[fault]()
    server = servers.server_context(identity, tmp_path, ciphers="ECDHE+AESGCM:@SECLEVEL=0")

    with servers.serving_tls(server) as port:
        outcomes = await _outcomes(context, port)

    consequences = {
        "self-signed": {"tls.cert.untrusted"},
        "no names": {"tls.cert.hostname_mismatch"},
    }
    # At security level 0 OpenSSL signs with SHA-1 too.
    assert _failed(outcomes) - {"tls.kex.pqc_missing", "tls.kex.sha1_signature"} == (
        {check_id} | consequences.get(fault, set())
    )


async def test_an_address_is_asked_without_a_name(context: ProbeContext) -> None:
    names: list[str | None] = []

    def choose(offer: servers.Offer) -> bytes:
        names.append(offer.server_name)
        return servers.alert(40)

    async with servers.serving(servers.answering(choose)) as port:
        await probe_tls(context, at(port, None))

    assert names
    assert set(names) == {None}


async def test_ssl3_is_found_out_where_openssl_cannot_ask(
    context: ProbeContext, authority: Authority
) -> None:
    leaf = der(authority.issue([NAME]).certificate)

    def choose(offer: servers.Offer) -> bytes:
        if offer.version != Version.SSL3:
            return servers.alert(70)
        body = servers.server_hello(Version.SSL3, 0x0005) + servers.certificates(leaf)
        return servers.record(
            ContentType.HANDSHAKE, body + servers.hello_done(), version=Version.SSL3
        )

    async with servers.serving(servers.answering(choose)) as port:
        facts = await probe_tls(context, at(port))
        outcomes = await _outcomes(context, port)

    assert facts.accepted == (Version.SSL3,)
    assert facts.versions[Version.SSL3].suite == "TLS_RSA_WITH_RC4_128_SHA"
    assert facts.leaf is not None
    assert {"tls.protocol.sslv3", "tls.protocol.no_modern"} <= _failed(outcomes)


async def test_an_alert_with_the_record_version_of_ssl3_is_no_support(
    context: ProbeContext,
) -> None:
    def choose(_: servers.Offer) -> bytes:
        return servers.record(ContentType.ALERT, b"\2\x28", version=Version.SSL3)

    async with servers.serving(servers.answering(choose)) as port:
        facts = await probe_tls(context, at(port))

    assert facts.accepted == ()


async def test_a_server_that_answers_an_older_version_refuses_the_newer(
    context: ProbeContext,
) -> None:
    def choose(offer: servers.Offer) -> bytes:
        version = min(offer.version, Version.TLS10)
        body = servers.server_hello(version, 0x0035) + servers.hello_done()
        return servers.record(ContentType.HANDSHAKE, body)

    async with servers.serving(servers.answering(choose)) as port:
        facts = await probe_tls(context, at(port))

    assert facts.support(Version.TLS12) is Support.REFUSED
    assert "TLS 1.0 instead" in facts.reason(Version.TLS12)
    assert facts.support(Version.TLS10) is Support.ACCEPTED


async def test_compression_and_missing_extensions_are_facts(context: ProbeContext) -> None:
    def choose(offer: servers.Offer) -> bytes:
        if offer.version != Version.TLS12:
            return servers.alert(70)
        compression = max(offer.compressions)
        body = servers.server_hello(
            Version.TLS12, offer.suites[0], compression=compression, extensions={}
        )
        return servers.record(ContentType.HANDSHAKE, body + servers.hello_done())

    async with servers.serving(servers.answering(choose)) as port:
        seen = (await probe_tls(context, at(port))).versions[Version.TLS12]

    assert seen.compression == 1
    assert seen.secure_renegotiation is False
    assert seen.extended_master_secret is False


async def test_the_post_quantum_group_is_asked_for_alone(context: ProbeContext) -> None:
    def choose(offer: servers.Offer) -> bytes:
        if offer.version != Version.TLS13:
            return servers.alert(70)
        group = offer.extensions[Extension.SUPPORTED_GROUPS][2:4]
        body = servers.server_hello(
            Version.TLS12, 0x1301, extensions={43: b"\3\4", 51: group + b"\0\0"}
        )
        return servers.record(ContentType.HANDSHAKE, body)

    async with servers.serving(servers.answering(choose)) as port:
        facts = await probe_tls(context, at(port))

    assert facts.post_quantum is Support.ACCEPTED
    assert facts.versions[Version.TLS13].group == "x25519"
    assert "the handshake failed" in facts.chain_problem


async def test_ssl2_is_found_out(context: ProbeContext) -> None:
    def choose(offer: servers.Offer) -> bytes:
        return servers.record(
            ContentType.HANDSHAKE,
            servers.server_hello(min(offer.version, 0x0303), 0x0035) + servers.hello_done(),
        )

    ssl2_hello = b"\4\0\1" + b"\0\2" + bytes(6)
    talk = servers.answering(choose, ssl2=bytes((0x80, len(ssl2_hello))) + ssl2_hello)
    async with servers.serving(talk) as port:
        outcomes = await _outcomes(context, port)

    assert outcomes["tls.protocol.sslv2"] is Outcome.FAILED


async def test_facts_are_described_as_json(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(authority.issue([NAME, "127.0.0.1"]), tmp_path)

    with servers.serving_tls(server) as port:
        document = json.loads(json.dumps(describe(await probe_tls(context, at(port)))))

    assert document["versions"]["TLS 1.3"]["support"] == "accepted"
    assert document["certificate"]["subject_alternative_names"] == [NAME, "127.0.0.1"]
    assert document["certificate"]["key"] == {
        "algorithm": "EC",
        "bits": 256,
        "curve": "secp256r1",
    }
    assert document["trust"]["status"] == "trusted"
    assert document["chain_length"] == 1
    assert len(document["exchanges"]) == document["connections"]


@pytest.mark.parametrize("oldest", [Tls.TLSv1_2, Tls.TLSv1_3])
async def test_a_tls_server_is_recognised(
    context: ProbeContext, authority: Authority, tmp_path: Path, oldest: ssl.TLSVersion
) -> None:
    server = servers.server_context(authority.issue([NAME]), tmp_path, oldest=oldest)

    with servers.serving_tls(server) as port:
        assert await speaks_tls(context, at(port).address, port, NAME)


async def test_an_alert_is_tls_too(context: ProbeContext) -> None:
    async with servers.serving(servers.answering(lambda _: servers.alert(112))) as port:
        assert await speaks_tls(context, at(port).address, port, None)
