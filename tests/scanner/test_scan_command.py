"""``nis2 scan`` as a person runs it: a process of its own against servers on loopback."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.lab.certificates import Authority
from tests.lab.web_server import Site, html, serve_site, server_context

HOST = "127.78.0.1"
HTTPS_PORT, HTTP_PORT = 8443, 8080
ALLOWED = {"NIS2_SCAN_ALLOWED_NETWORKS": "127.78.0.0/16"}
SITE = Site(pages={"/": html("<title>lab</title>", ("Set-Cookie", "session=[bold]1"))})
HOSTILE_SITE = Site(
    pages={"/": html("hello")}, headers=(("Server", "x/1.0 \x1b[31mred [bold]not markup[/bold]"),)
)
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    code: int | None
    output: str
    errors: str

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        return json.loads(self.output)


async def _nis2(*arguments: str, **variables: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "scan", *arguments),
        cwd=_ROOT,
        env=variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(100):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode, output.decode(), errors.decode())


async def test_findings_are_shown_from_worst_to_mildest(tmp_path: Path) -> None:
    identity = Authority.create("Lab Root").issue(["shop.lab.test"])
    context = server_context(identity, tmp_path)
    async with serve_site(SITE, host=HOST, port=HTTPS_PORT, ssl_context=context):
        ended = await _nis2(HOST, "--type", "quick", **ALLOWED)

    lines = [line.strip() for line in ended.output.splitlines()]
    order = ["critical", "high", "medium", "low", "info"]
    headings = [line.partition(" (")[0] for line in lines if line.partition(" (")[0] in order]
    assert ended.code == 0
    assert ended.errors == ""
    assert len(headings) >= 3
    assert headings == sorted(headings, key=order.index)
    assert any(f"{HOST}:{HTTPS_PORT}" in line and "tls.cert.untrusted" in line for line in lines)
    assert "Targets: 1. Findings:" in ended.output


async def test_facts_that_many_places_share_are_one_line_unless_all_is_wanted() -> None:
    arguments = ("127.78.5.0/29", "--type", "quick")
    short, whole = await _nis2(*arguments, **ALLOWED), await _nis2(*arguments, "--all", **ALLOWED)

    shared = [line for line in short.output.splitlines() if "net.host.unreachable" in line]
    each = [line for line in whole.output.splitlines() if "net.host.unreachable" in line]
    assert len(shared) == 1
    assert "8 times" in shared[0]
    assert len(each) == 8


async def test_json_holds_every_verdict_with_the_documented_fields(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    async with serve_site(SITE, host=HOST, port=HTTP_PORT):
        ended = await _nis2(
            f"http://{HOST}:8080/", "--type", "quick", "--json", str(file), **ALLOWED
        )

    verdicts = json.loads(file.read_text("utf-8"))
    assert ended.code == 0
    assert {"target", "host", "port", "check_id", "outcome", "severity", "reason"} <= set(
        verdicts[0]
    )
    assert {verdict["target"] for verdict in verdicts} == {f"http://{HOST}:8080/"}
    assert {verdict["host"] for verdict in verdicts} == {HOST}
    assert {v["outcome"] for v in verdicts} == {"passed", "failed", "not_evaluated"}
    (cleartext,) = [v for v in verdicts if v["check_id"] == "http.redirect.missing"]
    assert (cleartext["port"], cleartext["outcome"]) == (HTTP_PORT, "failed")


async def test_a_port_that_is_named_is_the_only_one_looked_at() -> None:
    async with (
        serve_site(SITE, host=HOST, port=HTTP_PORT),
        serve_site(SITE, host=HOST, port=18_080),
        serve_site(HOSTILE_SITE, host=HOST, port=18_081),
    ):
        targets = (f"{HOST}:18080", f"http://{HOST}:18081/", f"{HOST}:18082")
        ended = await _nis2(*targets, "--json", "-", **ALLOWED)

    open_ports = {
        (v["target"], v["port"])
        for v in ended.verdicts
        if v["check_id"] == "net.port.open" and v["outcome"] == "failed"
    }
    unreachable = {
        v["target"]: v["outcome"] for v in ended.verdicts if v["check_id"] == "net.host.unreachable"
    }
    versions = {
        v["target"]
        for v in ended.verdicts
        if v["check_id"] == "http.info.server_version" and v["outcome"] == "failed"
    }
    assert open_ports == {(targets[0], 18_080), (targets[1], 18_081)}
    assert unreachable == dict(zip(targets, ("passed", "passed", "failed"), strict=True))
    assert versions == {targets[1]}


async def test_json_on_the_output_stands_alone() -> None:
    async with serve_site(SITE, host="127.78.0.2", port=HTTP_PORT):
        arguments = ("127.78.0.2", "127.78.0.3", "--type", "quick", "--json", "-")
        ended = await _nis2(*arguments, **ALLOWED)

    assert {verdict["target"] for verdict in ended.verdicts} == {"127.78.0.2", "127.78.0.3"}
    assert ended.errors == ""


@pytest.mark.parametrize(("threshold", "code"), [("high", 0), ("medium", 1), ("info", 1)])
async def test_findings_as_bad_as_the_threshold_fail_the_command(threshold: str, code: int) -> None:
    """The worst here is a page without TLS: medium."""
    async with serve_site(SITE, host=HOST, port=HTTP_PORT):
        ended = await _nis2(HOST, "--type", "quick", "--fail-on", threshold, **ALLOWED)

    assert ended.code == code


async def test_a_bad_target_is_refused_and_nothing_is_scanned() -> None:
    async with serve_site(SITE, host=HOST, port=HTTP_PORT) as server:
        ended = await _nis2(HOST, "not a target", **ALLOWED)

    assert ended.code == 2
    assert "not a target" in ended.errors
    assert "Traceback" not in ended.errors
    assert ended.output == ""
    assert server.requests == []


async def test_every_bad_target_is_named() -> None:
    ended = await _nis2("one two", "10.0.0.5/24", "example.org/../x", **ALLOWED)

    assert ended.code == 2
    assert "'one two'" in ended.errors
    assert "10.0.0.0/24" in ended.errors
    assert ended.errors.count("nis2: ") == 3


async def test_loopback_is_blocked_with_what_to_do_about_it() -> None:
    """SSRF-3: without NIS2_SCAN_ALLOWED_NETWORKS."""
    async with serve_site(SITE, host=HOST, port=HTTP_PORT) as server:
        ended = await _nis2(HOST)

    assert ended.code == 3
    assert "no target could be looked at" in ended.errors
    assert f"{HOST}: blocked: " in ended.output
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in ended.output
    assert server.requests == []


async def test_a_host_where_nothing_answers_is_told_by_the_exit_code() -> None:
    ended = await _nis2("127.78.0.9", "--type", "quick", **ALLOWED)

    assert ended.code == 3
    assert "127.78.0.9: unreachable: no port is open" in ended.output


async def test_a_part_can_be_left_out() -> None:
    async with serve_site(SITE, host=HOST, port=HTTP_PORT):
        arguments = (HOST, "--type", "quick", "--skip", "web", "--json", "-")
        ended = await _nis2(*arguments, **ALLOWED)

    areas = {verdict["check_id"].partition(".")[0] for verdict in ended.verdicts}
    assert ended.code == 0
    assert "net" in areas
    assert "http" not in areas


async def test_a_data_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "anchor.txt")
    ended = await _nis2(HOST, NIS2_SCAN_DNSSEC_ANCHOR_FILE=missing, **ALLOWED)

    assert ended.code == 2
    assert f"NIS2_SCAN_DNSSEC_ANCHOR_FILE {missing}" in ended.errors
    assert "Traceback" not in ended.errors


async def test_a_network_is_scanned_host_by_host_and_each_host_once() -> None:
    arguments = ("127.78.4.0/29", "127.78.4.1", "--type", "quick", "--json", "-")
    ended = await _nis2(*arguments, **ALLOWED)

    hosts = [v["host"] for v in ended.verdicts if v["check_id"] == "net.host.unreachable"]
    assert hosts == [f"127.78.4.{n}" for n in range(8)]
    assert {v["target"] for v in ended.verdicts} == {"127.78.4.0/29"}


async def test_what_a_target_says_is_neither_markup_nor_terminal_control() -> None:
    """TGT-5."""
    async with serve_site(HOSTILE_SITE, host=HOST, port=HTTP_PORT):
        ended = await _nis2(HOST, "--type", "quick", **ALLOWED)

    assert "\x1b" not in ended.output
    assert "[bold]not markup[/bold]" in ended.output.replace("\n", "")


async def test_a_wrong_setting_is_named() -> None:
    ended = await _nis2(HOST, NIS2_SCAN_ALLOWED_NETWORKS="everything")

    assert ended.code == 1
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in ended.errors
    assert "Traceback" not in ended.errors


async def test_the_report_of_a_scan_is_a_pdf(tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    async with serve_site(SITE, host=HOST, port=HTTP_PORT):
        ended = await _nis2(HOST, "127.78.0.9", "--type", "quick", "--pdf", str(file), **ALLOWED)

    assert (ended.code, ended.errors) == (0, "")
    text = "\n".join(page.extract_text() for page in PdfReader(file).pages)
    assert f"{HOST}, 127.78.0.9" in text
    assert "http.redirect.missing" in text
    assert "no port is open" in text
    assert f"{HOST}:{HTTP_PORT}" in ended.output


async def test_a_file_that_cannot_be_written_is_told_before_the_scan(tmp_path: Path) -> None:
    new = tmp_path / "new.pdf"
    async with serve_site(SITE, host=HOST, port=HTTP_PORT) as server:
        absent = str(tmp_path / "absent" / "out.json")
        ended = await _nis2(HOST, "--pdf", str(new), "--json", absent, **ALLOWED)

    assert ended.code == 2
    assert "cannot be written" in ended.errors
    assert server.requests == []
    assert not new.exists()
