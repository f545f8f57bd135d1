"""What is open at a target is handed to the scanner, so that it can tell what is proven gone."""

from httpx2 import AsyncClient

from services.scanner.check import CheckResult, Endpoint, Verdict
from services.scanner.result import Known
from services.scanner.target import Target
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.members import Member
from tests.scanners import StubScanner, at, check

TARGET = "192.0.2.1"
AT_TLS = Known("tls.cert.expired", Endpoint(TARGET, 8443, "tls"))


def _both(target: Target) -> list[CheckResult]:
    missing = CheckResult(
        check("dns.caa.missing"), Endpoint(target.value, None, "dns"), Verdict.failed("none")
    )
    return [at(target, "tls.cert.expired", Verdict.failed("ended"), port=8443), missing]


def _closed(target: Target) -> list[CheckResult]:
    return [at(target, "tls.cert.expired", Verdict.passed("the port refuses"), port=8443)]


async def test_a_scan_knows_what_is_open_at_its_target_and_may_resolve_it(
    client: AsyncClient,
    admin: Member,
    start_scan: StartScan,
    run_jobs: RunJobs,
) -> None:
    scanners = [StubScanner(_both), StubScanner(_closed), StubScanner()]
    for scanner in scanners:
        await start_scan(TARGET)
        await run_jobs(scanner)

    first, second, third = scanners
    assert first.known == []
    assert second.known == [AT_TLS]
    assert third.known == []
    listed = await client.get("/api/v1/findings?check_id=tls.cert.expired", headers=admin.headers)
    assert [item["status"] for item in listed.json()["items"]] == ["resolved"]
