"""Sensitive files over real sockets: proven by content, told apart from servers that say 200."""

import asyncio
import gzip
import io
import tarfile
import zipfile

import pytest

from services.scanner.exposure import SUITE
from services.scanner.exposure.facts import ExposureFacts
from tests.scanner.http.conftest import NAME, make_context
from tests.scanner.http.raw_server import Request, always, html, pages, response
from tests.scanner.site_lab import Seen, binary, limited, look, text

FILES = (
    "http.files.git",
    "http.files.svn",
    "http.files.env",
    "http.files.backup",
    "http.files.ds_store",
    "http.files.phpinfo",
    "http.files.server_status",
)
HEAD = text("ref: refs/heads/main\n")
CONFIG = text("[core]\n\trepositoryformatversion = 0\n")
ENV = text("# production\nAPP_KEY=base64:abc\nDB_PASSWORD=hunter2\nexport MAIL_HOST=smtp\n")
PHPINFO = html(
    "<!DOCTYPE html><head><style>body{}</style><title>PHP 8.1.2 - phpinfo()</title></head>"
    '<table><tr class="h"><td><h1 class="p">PHP Version 8.1.2</h1></td></tr></table>'
)
STATUS = html(
    "<html><title>Apache Status</title><h1>Apache Server Status for shop (via 10.0.0.1)</h1>"
    "<dl><dt>Server uptime:  3 days</dt></dl>"
)
DS_STORE = binary(b"\x00\x00\x00\x01Bud1" + bytes(40))
WC_DB = binary(b"SQLite format 3\x00" + bytes(100))


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.php", "<?php")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("index.php"))
    return buffer.getvalue()


async def _look(**answers: bytes) -> Seen[ExposureFacts]:
    return await look(SUITE, pages({"/": html("<p>x"), **answers}), is_tls=True)


@pytest.mark.parametrize(
    ("check_id", "answers"),
    [
        ("http.files.git", {"/.git/HEAD": HEAD, "/.git/config": CONFIG}),
        ("http.files.git", {"/.git/HEAD": text("a" * 40 + "\n"), "/.git/config": CONFIG}),
        ("http.files.svn", {"/.svn/wc.db": WC_DB}),
        ("http.files.svn", {"/.svn/entries": text("12\n")}),
        ("http.files.env", {"/.env": ENV}),
        ("http.files.backup", {"/backup.sql": text("-- MySQL dump 10.13\n--\n")}),
        ("http.files.backup", {"/dump.sql": text("--\n-- PostgreSQL database dump\n--\n")}),
        ("http.files.backup", {"/backup.zip": binary(_zip())}),
        ("http.files.backup", {f"/{NAME}.zip": binary(_zip())}),
        ("http.files.backup", {"/backup.tar.gz": binary(gzip.compress(_tar()))}),
        (
            "http.files.backup",
            {"/backup.tar.gz": binary(gzip.compress(_tar()), "Content-Encoding: x-gzip")},
        ),
        ("http.files.ds_store", {"/.DS_Store": DS_STORE}),
        ("http.files.phpinfo", {"/phpinfo.php": PHPINFO}),
        ("http.files.phpinfo", {"/info.php": PHPINFO}),
        ("http.files.server_status", {"/server-status": STATUS}),
    ],
)
async def test_a_file_that_is_served_is_found_and_nothing_else(
    check_id: str, answers: dict[str, bytes]
) -> None:
    seen = await _look(**answers)

    assert seen.failed() & set(FILES) == {check_id}
    assert {seen.outcome(other) for other in FILES if other != check_id} == {"passed"}


async def test_a_clean_site_passes_and_is_asked_little() -> None:
    seen = await _look()

    assert {seen.outcome(check_id) for check_id in FILES} == {"passed"}
    assert len(seen.requests) <= 24
    assert {request.method for request in seen.requests} == {"GET"}


async def test_of_a_file_nothing_secret_is_kept() -> None:
    seen = await _look(**{"/.env": ENV})

    assert "hunter2" not in repr(seen.facts)
    assert "hunter2" not in repr(seen.results)
    (problem,) = seen.results["http.files.env"].verdict.problems
    assert (problem.discriminator, problem.message) == ("/.env", "/.env is served: 3 variables")


@pytest.mark.parametrize(
    "answers",
    [
        {"/.git/HEAD": HEAD},
        {"/.git/HEAD": html("ref: refs/heads/main\n"), "/.git/config": CONFIG},
        {"/.git/HEAD": text("ref: everything is fine"), "/.git/config": CONFIG},
        {"/.git/HEAD": HEAD, "/.git/config": html("<html>[core]")},
        {"/.svn/entries": text("twelve\n")},
        {"/.env": html("<!doctype html>A=1\nB=2\n")},
        {"/.env": text("just one\nA_B=1\n")},
        {"/.env": text("A_B=1\nprose\nprose\nC_D=2\n")},
        {"/backup.sql": text("no dump")},
        {"/backup.zip": text("PK but no archive")},
        {"/.DS_Store": text("Bud1")},
        {"/phpinfo.php": html("<title>What phpinfo() does</title><h1>PHP Version 8</h1>")},
        {"/phpinfo.php": html("<title>phpinfo()</title><p>switched off")},
        {"/server-status": html("<h1>Server Status</h1>uptime: 3 days")},
        {"/server-status": response(403)},
        {"/.git/HEAD": response(403), "/.env": response(401)},
    ],
)
async def test_what_only_looks_like_it_is_no_finding(answers: dict[str, bytes]) -> None:
    seen = await _look(**answers)

    assert {seen.outcome(check_id) for check_id in FILES} == {"passed"}


@pytest.mark.parametrize(
    "answer",
    [
        html("<!doctype html><title>Shop</title>not here"),
        text("Sorry, this page does not exist.\n"),
        HEAD,
        CONFIG,
        ENV,
        PHPINFO,
        STATUS,
        DS_STORE,
        WC_DB,
        binary(_zip()),
        text("-- MySQL dump 10.13\n"),
        response(302, "Location: /"),
    ],
    ids=["html", "text", "HEAD", "config", "env", "phpinfo", "status", "ds", "svn", "zip", "dump",
         "redirect"],
)  # fmt: skip
async def test_a_server_that_says_the_same_to_every_name_serves_no_file(answer: bytes) -> None:
    """The soft 404, also one made of the very content that would prove a hit."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(html("x") if request.target == "/" else answer)

    seen = await look(SUITE, behave, is_tls=True)

    assert {seen.outcome(check_id) for check_id in FILES} == {"passed"}


async def test_a_server_that_invents_content_for_a_shape_of_names_serves_no_file() -> None:
    """The random names of the beginning do not end so: a second one of the same shape shows it."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.target
        if path.startswith("/.git/"):
            writer.write(text(f"ref: refs/heads/{len(path)}\n"))
        elif path.endswith(".zip"):
            writer.write(binary(_zip() + path.encode()))
        else:
            writer.write(html("x") if path == "/" else response(404))

    seen = await look(SUITE, behave, is_tls=True)

    assert {seen.outcome(check_id) for check_id in FILES} == {"passed"}


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_refuses_is_not_judged(status: int) -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(html("x") if request.target == "/" else response(status))

    seen = await look(SUITE, behave, is_tls=True)

    assert {seen.outcome(check_id) for check_id in FILES} == {"not_evaluated"}


async def test_a_server_that_falls_silent_is_left_alone_and_not_judged() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/":
            writer.write(html("x"))
        else:
            await asyncio.sleep(60)

    seen = await look(SUITE, behave, is_tls=True, context=make_context(exchange_timeout_s=0.3))

    assert {result.verdict.outcome for result in seen.results.values()} == {"not_evaluated"}
    assert len(seen.requests) <= 6  # three at a time, and none after three in a row


async def test_what_the_allowance_leaves_out_is_not_judged_and_a_hit_before_it_counts() -> None:
    site = pages({"/": html("x"), "/.git/HEAD": HEAD, "/.git/config": CONFIG})
    seen = await look(SUITE, site, is_tls=True, context=limited(make_context(), 23))
    spent = await look(SUITE, site, is_tls=True, context=limited(make_context(), 1))

    assert seen.outcome("http.files.git") == "failed"
    assert {spent.outcome(check_id) for check_id in FILES} == {"not_evaluated"}
    assert spent.requests == ()


async def test_a_plain_endpoint_that_sends_every_path_to_https_passes_after_four_requests() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(response(301, f"Location: https://{NAME}:1{request.target}"))

    seen = await look(SUITE, behave)

    assert {seen.outcome(check_id) for check_id in seen.results} == {"passed"}
    assert len(seen.requests) == 4


async def test_a_plain_endpoint_may_lead_to_https_and_serve_a_file_all_the_same() -> None:
    answers = {"/": response(301, f"Location: https://{NAME}:1/"), "/.env": ENV}
    seen = await look(SUITE, pages(answers))

    assert seen.outcome("http.files.env") == "failed"


async def test_files_count_also_where_the_root_wants_a_login() -> None:
    seen = await look(SUITE, pages({"/": response(401), "/.env": ENV}), is_tls=True)

    assert seen.outcome("http.files.env") == "failed"


async def test_a_dump_is_not_downloaded() -> None:
    dump = text("-- MySQL dump 10.13\n" + "INSERT INTO t VALUES (1);\n" * 400_000)
    seen = await look(SUITE, pages({"/": html("x"), "/backup.sql": dump}), is_tls=True)

    assert seen.outcome("http.files.backup") == "failed"


async def test_an_endless_answer_does_not_hold_the_scan() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/":
            writer.write(html("x"))
            return
        writer.write(response(200, "Content-Type: text/plain"))
        while True:
            writer.write(b"A_B=1\n" * 10_000)
            await writer.drain()

    seen = await look(SUITE, behave, is_tls=True)

    assert {seen.outcome(check_id) for check_id in FILES} == {"passed"}


async def test_every_kind_has_a_check_of_its_own() -> None:
    seen = await look(SUITE, always(html("x")))

    assert set(FILES) < set(seen.results)
