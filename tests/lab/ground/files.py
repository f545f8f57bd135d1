"""Sensitive files behind soft 404s, secrets in pages and scripts, security.txt."""

from collections.abc import Iterator, Mapping

from tests.lab.certificates import in_days
from tests.lab.ground.web import SECURITY_TXT, Answer, WebCase, page, serve
from tests.lab.lab import Lab
from tests.lab.pages import Request
from tests.lab.truth import Case
from tests.lab.web_server import Page, html, redirect
from tests.scanner.leaks.made_keys import PUBLIC, SECRETS, pem

_KINDS = ("git", "svn", "env", "backup", "ds_store", "phpinfo", "server_status")
_ALL = " ".join(f"http.files.{kind}" for kind in _KINDS)
_TEXT = (("Content-Type", "text/plain"),)
_BINARY = (("Content-Type", "application/octet-stream"),)
_ENV = (
    b"# settings\nAPP_KEY=base64:c2VjcmV0\nDB_HOST=localhost\nDB_PASSWORD=hunter22\nDEBUG=false\n"
)
_PHPINFO = (
    "<!DOCTYPE html><html><head><title>PHP 8.1.2 - phpinfo()</title></head><body>"
    '<table><tr class="h"><td><h1 class="p">PHP Version 8.1.2</h1></td></tr></table>'
    '<table><tr><td class="e">System </td><td class="v">Linux</td></tr></table></body></html>'
)
_STATUS = (
    "<html><head><title>Apache Status</title></head><body><h1>Apache Server Status for lab"
    " (via 127.0.0.1)</h1><dl><dt>Server Version: Apache</dt><dt>Server uptime:  2 hours"
    " 4 minutes 9 seconds</dt></dl></body></html>"
)


def _plain(text: str) -> Page:
    return Page(headers=_TEXT, body=text.encode())


_GIT = {
    "/.git/HEAD": _plain("ref: refs/heads/main\n"),
    "/.git/config": _plain("[core]\n\trepositoryformatversion = 0\n"),
}
_FOUND: Mapping[str, tuple[str, Mapping[str, Page]]] = {
    "git": ("git", _GIT),
    "git-detached": (
        "git",
        {**_GIT, "/.git/HEAD": _plain("0123456789abcdef0123456789abcdef01234567\n")},
    ),
    "svn": ("svn", {"/.svn/wc.db": Page(headers=_BINARY, body=b"SQLite format 3\0" + bytes(90))}),
    "svn-old": ("svn", {"/.svn/entries": _plain("10\n\ndir\n")}),
    "env": ("env", {"/.env": Page(headers=_BINARY, body=_ENV)}),
    "ds-store": (
        "ds_store",
        {"/.DS_Store": Page(headers=_BINARY, body=b"\0\0\0\1Bud1" + bytes(60))},
    ),
    "phpinfo": ("phpinfo", {"/phpinfo.php": html(_PHPINFO)}),
    "server-status": ("server_status", {"/server-status": html(_STATUS)}),
    "dump": ("backup", {"/backup.sql": _plain("-- MySQL dump 10.13  Distrib 8.0\n--\n")}),
    "dump-pg": (
        "backup",
        {"/dump.sql": _plain("--\n-- PostgreSQL database dump\n--\nSET x = 0;\n")},
    ),
    "zip": ("backup", {"/backup.zip": Page(headers=_BINARY, body=b"PK\x03\x04" + bytes(80))}),
    "tar": ("backup", {"/backup.tar.gz": Page(headers=_BINARY, body=b"\x1f\x8b\x08" + bytes(80))}),
}


def _pages(found: Mapping[str, Page], *, missing: Page | None = None) -> Answer:
    def answer(request: Request) -> Page | None:
        if request.path in {"/", "/.well-known/security.txt"}:
            return None
        return found.get(request.path, missing)

    return answer


def _files() -> Iterator[WebCase]:
    for name, (kind, found) in _FOUND.items():
        must = f"http.files.{kind}"
        yield WebCase(name, must, _ALL.replace(must, ""), answer=_pages(found))
    yield WebCase(
        "env-behind-soft-404",
        "http.files.env",
        "http.files.git http.files.backup",
        answer=_pages({"/.env": Page(headers=_TEXT, body=_ENV)}, missing=page("<h1>Nothing</h1>")),
    )
    soft = {
        "soft-404": page("<h1>Page not found</h1>"),
        "soft-404-empty": Page(200, _TEXT, b""),
        "soft-404-index": page("<h1>Index of everything</h1><p>PHP Version and phpinfo()</p>"),
        "soft-404-env": Page(200, _TEXT, _ENV),
        "soft-404-zip": Page(200, _BINARY, b"PK\x03\x04" + bytes(80)),
        "soft-404-json": Page(200, (("Content-Type", "application/json"),), b'{"error": 404}'),
        "forbidden": Page(403, _TEXT, b"Forbidden\n"),
        "to-the-front": redirect("/"),
        "to-login": redirect("/login", status=302),
    }
    for name, missing in soft.items():
        traps = f"{_ALL} http.redirect.loop"
        yield WebCase(name, "", traps, answer=_pages({}, missing=missing))

    def echoing(request: Request) -> Page | None:
        return None if request.path in {"/", "/.well-known/security.txt"} else page(request.target)

    yield WebCase("soft-404-echo", "", _ALL, answer=echoing)
    wrong = {
        "/.git/HEAD": page("ref: refs/heads/main"),
        "/.env": page("A=1<br>B=2"),
        "/backup.sql": _plain("nothing here"),
        "/phpinfo.php": html("<p>phpinfo() is off</p>"),
        "/.svn/entries": _plain("hello"),
    }
    yield WebCase("names-without-content", "", _ALL, answer=_pages(wrong))
    head = {"/.git/HEAD": _plain("ref: refs/heads/main\n")}
    yield WebCase("git-head-alone", "", "http.files.git", answer=_pages(head))
    prose = {"/.env": _plain("Welcome to our site.\nNAME=none\nThis is text about settings.\n")}
    yield WebCase("env-of-prose", "", "http.files.env", answer=_pages(prose))


def _secrets() -> Iterator[WebCase]:
    body, script, public = (f"http.secret.{kind}" for kind in ("body", "script", "public_key"))
    for kind in ("aws_access_key", "github_token", "slack_bot_token", "stripe_secret_key"):
        text = SECRETS[kind].replace("<", "")
        yield WebCase(
            f"secret-{kind.replace('_', '-')}", body, script, root=page(f"<pre>{text}</pre>")
        )
    yield WebCase("secret-pem", body, script, root=page(f"<pre>{pem()}</pre>"))
    yield WebCase(
        "secret-in-script",
        script,
        body,
        root=page("<script src=/app.js></script>"),
        answer=_pages({"/app.js": _script(f'const key = "{SECRETS["gitlab_token"]}";')}),
    )
    yield WebCase(
        "secret-google-service",
        body,
        "",
        root=page(
            '<script type=application/json>{"type": "service_account", "project_id": "lab",'
            f' "private_key": "{pem().replace(chr(10), chr(92) + "n")}"}}</script>'
        ),
    )
    yield WebCase(
        "secret-public",
        public,
        f"{body} {script}",
        root=page(f"<p>{PUBLIC['google_api_key']} {PUBLIC['stripe_publishable_key']}</p>"),
    )
    harmless = (
        "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_" + "x" * 36,
        "sk_live_" + "0" * 24,
        "xoxb-000000000000-000000000000-" + "a" * 24,
        "-----BEGIN PRIVATE KEY-----\nMIIB...\n-----END PRIVATE KEY-----",
        'password = "correct horse battery staple"',
        "data:image/png;base64," + "iVBORw0KGgo" * 20,
    )
    yield WebCase(
        "secret-none",
        "",
        f"{body} {script} {public}",
        root=page(f"<pre>{' '.join(harmless)}</pre>"),
    )


def _script(text: str) -> Page:
    return Page(headers=(("Content-Type", "text/javascript"),), body=text.encode())


def _security_txt() -> Iterator[WebCase]:
    missing, expired, invalid = (f"sectxt.{kind}" for kind in ("missing", "expired", "invalid"))
    far, past = (f"{in_days(days):%Y-%m-%dT%H:%M:%SZ}" for days in (200, -10))
    contact = "Contact: mailto:security@web.lab\n"
    texts = {
        "sectxt-good": (f"{contact}Expires: {far}\n", "", f"{missing} {expired} {invalid}"),
        "sectxt-crlf": (
            f"# hello\r\n{contact.strip()}\r\nExpires: {far}\r\n",
            "",
            f"{missing} {invalid}",
        ),
        "sectxt-lower": (
            f"contact: https://web.lab/x\nexpires: {far}\n",
            "",
            f"{missing} {invalid}",
        ),
        "sectxt-expired": (f"{contact}Expires: {past}\n", expired, missing),
        "sectxt-no-expires": (contact, invalid, missing),
        "sectxt-two-expires": (f"{contact}Expires: {far}\nExpires: {far}\n", invalid, missing),
        "sectxt-no-uri": (f"Contact: security@web.lab\nExpires: {far}\n", invalid, missing),
        "sectxt-other-canonical": (
            f"{contact}Expires: {far}\nCanonical: https://elsewhere.test/security.txt\n",
            invalid,
            missing,
        ),
    }
    path = "/.well-known/security.txt"
    for name, (text, must, traps) in texts.items():
        served = Page(headers=SECURITY_TXT.headers, body=text.encode())
        yield WebCase(name, must, traps, answer=lambda r, p=served: p if r.path == path else None)
    gone = Page(404, _TEXT, b"no")
    yield WebCase(
        "sectxt-none",
        missing,
        f"{expired} {invalid}",
        answer=lambda r: gone if r.path.endswith("security.txt") else None,
    )
    soft = page("<h1>Welcome</h1><p>Contact: us</p>")
    yield WebCase(
        "sectxt-soft-404",
        missing,
        f"{expired} {invalid}",
        answer=lambda r: soft if r.path != "/" else None,
    )


def cases(lab: Lab) -> Iterator[Case]:
    for case in (*_files(), *_secrets(), *_security_txt()):
        yield serve(lab, case)
