"""The files that are asked for, and the content that proves each. Pure.

A status and a word prove nothing: servers answer 200 to anything. Each kind is proven by its own
first bytes, and only after what the server says to random names is known.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.scanner.exposure.facts import FileKind
from services.scanner.exposure.reading import is_phpinfo, is_server_status
from services.scanner.site import Reply

SMALL_BYTES = 64 * 1024
HEAD_BYTES = 2 * 1024
"""Enough of a dump or an archive to know it; no more of it is read."""
_GIT_HEAD = re.compile(rb"(ref: refs/heads/[^\s]{1,200}|[0-9a-f]{40}|[0-9a-f]{64})\s{0,4}")
_VARIABLE = re.compile(r"(export )?[A-Z][A-Z0-9_]{1,100}=.{0,4096}")
_DUMPS = (
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"-- PostgreSQL database dump",
    b"-- phpMyAdmin SQL",
)
_SANDBOX_LINE = b"/*!999999\\- enable the sandbox mode"  # MariaDB writes it before the title
_TAR_MARK = slice(257, 262)
_ENOUGH_VARIABLES = 2
_SHARE_OF_VARIABLES = 0.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """One path, and the function that tells what proves it; empty for no proof."""

    kind: FileKind
    path: str
    proof: Callable[[Reply], str]
    max_bytes: int = SMALL_BYTES
    may_be_html: bool = False


def git_head(reply: Reply) -> str:
    return "a branch or a commit in HEAD" if _GIT_HEAD.fullmatch(reply.body[:300]) else ""


def git_config(reply: Reply) -> str:
    return "a [core] section in config" if reply.body.lstrip().startswith(b"[core]") else ""


def _svn_database(reply: Reply) -> str:
    return "an SQLite database" if reply.body.startswith(b"SQLite format 3\0") else ""


def _svn_entries(reply: Reply) -> str:
    first = reply.body.partition(b"\n")[0].strip()
    is_number = first.isdigit() and len(first) <= 2 and b"\n" in reply.body  # noqa: PLR2004 - 8 to 12
    return "the number of a working copy's format" if is_number else ""


def _environment(reply: Reply) -> str:
    lines = [line.strip() for line in reply.body.decode("utf-8", "replace").splitlines()]
    telling = [line[:4200] for line in lines if line and not line.startswith("#")]
    variables = sum(_VARIABLE.fullmatch(line) is not None for line in telling)
    is_environment = variables >= _ENOUGH_VARIABLES and variables >= _SHARE_OF_VARIABLES * len(
        telling
    )
    return f"{variables} variables" if is_environment else ""


def _ds_store(reply: Reply) -> str:
    is_one = reply.body[:8] == b"\x00\x00\x00\x01Bud1"
    return "the first bytes of a .DS_Store" if is_one else ""


def _phpinfo(reply: Reply) -> str:
    return "title phpinfo() and a PHP Version" if is_phpinfo(reply.body) else ""


def _server_status(reply: Reply) -> str:
    return "the heading and the uptime" if is_server_status(reply.body) else ""


def _dump(reply: Reply) -> str:
    body = reply.body[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if body.startswith(_SANDBOX_LINE):
        body = body.partition(b"\n")[2].lstrip()
    body = body.removeprefix(b"--\n").lstrip()  # PostgreSQL's title stands in a box of dashes
    return "the title of a database dump" if body.startswith(_DUMPS) else ""


def _zip(reply: Reply) -> str:
    return "the first bytes of a ZIP archive" if reply.body.startswith(b"PK\x03\x04") else ""


def _gzip(reply: Reply) -> str:
    # A server that takes the packing for an encoding of HTTP has it unpacked by now.
    is_unpacked = "gzip" in reply.header("content-encoding").lower()
    if is_unpacked and (reply.body[_TAR_MARK] == b"ustar" or _dump(reply)):
        return "an archive that the server unpacks"
    is_packed = reply.body.startswith(b"\x1f\x8b\x08")
    return "the first bytes of a gzip file" if is_packed else ""


def candidates_of(host: str) -> tuple[Candidate, ...]:
    """What is asked of a host by name or address; ``/.git/config`` comes after a hit on HEAD."""
    archive = host.removeprefix("www.") if ":" not in host else "site"
    small: Iterable[tuple[FileKind, str, Callable[[Reply], str]]] = (
        (FileKind.GIT, "/.git/HEAD", git_head),
        (FileKind.SVN, "/.svn/wc.db", _svn_database),
        (FileKind.SVN, "/.svn/entries", _svn_entries),
        (FileKind.ENV, "/.env", _environment),
        (FileKind.DS_STORE, "/.DS_Store", _ds_store),
    )
    pages: Iterable[tuple[FileKind, str, Callable[[Reply], str]]] = (
        (FileKind.PHPINFO, "/phpinfo.php", _phpinfo),
        (FileKind.PHPINFO, "/info.php", _phpinfo),
        (FileKind.SERVER_STATUS, "/server-status", _server_status),
    )
    backups: Iterable[tuple[str, Callable[[Reply], str]]] = (
        ("/backup.sql", _dump),
        ("/dump.sql", _dump),
        ("/db.sql", _dump),
        ("/backup.zip", _zip),
        (f"/{archive}.zip", _zip),
        ("/backup.tar.gz", _gzip),
    )
    return (
        *(Candidate(kind, path, proof) for kind, path, proof in small),
        *(Candidate(kind, path, proof, may_be_html=True) for kind, path, proof in pages),
        *(Candidate(FileKind.BACKUP, path, proof, HEAD_BYTES) for path, proof in backups),
    )
