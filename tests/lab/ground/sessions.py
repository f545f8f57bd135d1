"""Cookies, and who may read answers with them."""

from collections.abc import Callable, Iterator

from tests.lab.ground.web import Answer, WebCase, page, serve
from tests.lab.lab import Lab
from tests.lab.pages import Request
from tests.lab.truth import Case
from tests.lab.web_server import Headers, Page


def _cookies() -> Iterator[WebCase]:
    secure, http_only, same_site, prefix = (
        f"http.cookie.{kind}"
        for kind in ("no_secure", "no_httponly", "no_samesite", "prefix_invalid")
    )
    all_four = f"{secure} {http_only} {same_site} {prefix}"
    good = "Secure; HttpOnly; SameSite=Lax; Path=/"
    for case, value, must, traps in (
        ("cookie-good", f"SESSIONID=1; {good}", "", all_four),
        (
            "cookie-not-secure",
            "PHPSESSID=1; HttpOnly; SameSite=Lax",
            secure,
            f"{http_only} {same_site}",
        ),
        (
            "cookie-secure-in-value",
            "sid=secure; Path=/secure; HttpOnly; SameSite=Lax",
            secure,
            http_only,
        ),
        ("cookie-no-httponly", "JSESSIONID=1; Secure; SameSite=Lax", http_only, secure),
        (
            "cookie-httponly-in-value",
            "connect.sid=httponly; Secure; SameSite=Lax",
            http_only,
            secure,
        ),
        (
            "cookie-no-samesite",
            "auth_token=1; Secure; HttpOnly",
            same_site,
            f"{secure} {http_only}",
        ),
        ("cookie-csrf", "XSRF-TOKEN=1; Secure; SameSite=Lax", "", http_only),
        ("cookie-preference", "lang=en; Secure; Max-Age=999999; SameSite=Lax", "", http_only),
        ("cookie-host-prefix", f"__Host-id=1; {good}", "", prefix),
        ("cookie-host-with-domain", f"__Host-id=1; {good}; Domain=web.lab", prefix, secure),
        (
            "cookie-host-wrong-path",
            "__Host-id=1; Secure; HttpOnly; SameSite=Lax; Path=/a",
            prefix,
            secure,
        ),
        ("cookie-secure-prefix", "__Secure-id=1; HttpOnly; SameSite=Lax", f"{prefix} {secure}", ""),
        (
            "cookie-deleted",
            "PHPSESSID=; Max-Age=0; Path=/",
            "",
            f"{secure} {http_only} {same_site}",
        ),
        (
            "cookie-deleted-by-date",
            "PHPSESSID=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "",
            f"{secure} {http_only}",
        ),
        (
            "cookie-attributes-odd-case",
            "session=1; SECURE; httponly; samesite=STRICT",
            "",
            all_four,
        ),
        (
            "cookie-none-not-secure",
            "session=1; HttpOnly; SameSite=None",
            f"{secure} {same_site}",
            http_only,
        ),
    ):
        # Without HSTS in force nothing is lowered.
        yield WebCase(
            case,
            f"{must} http.hsts.missing",
            traps,
            {"Strict-Transport-Security": None},
            root=page("x", "", ("Set-Cookie", value)),
        )
    yield WebCase(
        "cookie-second-is-bad",
        f"{secure} http.hsts.missing",
        "",
        {"Strict-Transport-Security": None},
        root=page(
            "x",
            "",
            ("Set-Cookie", f"a=1; {good}"),
            ("Set-Cookie", "b_session=1; HttpOnly; SameSite=Lax"),
        ),
    )
    yield WebCase(
        "cookie-under-hsts",
        secure,
        http_only,
        root=page("x", "", ("Set-Cookie", "session=1; HttpOnly; SameSite=Lax")),
    )


def _origins() -> Iterator[WebCase]:
    reflect, null, weak, star = (
        f"http.cors.{kind}"
        for kind in ("reflect_credentials", "null_credentials", "weak_match", "wildcard")
    )
    every = f"{reflect} {null} {weak} {star}"

    def allowing(is_allowed: Callable[[str], bool], *, credentials: bool = True) -> Answer:
        def answer(request: Request) -> Page | None:
            origin = request.headers.get("origin", "")
            if request.path != "/" or not origin or not is_allowed(origin):
                return None
            more: Headers = (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))
            if credentials:
                more += (("Access-Control-Allow-Credentials", "true"),)
            return page("x", "", *more)

        return answer

    yield WebCase("cors-reflects", reflect, f"{null} {weak}", answer=allowing(lambda _: True))
    yield WebCase(
        "cors-reflects-without-cookies",
        "",
        every,
        answer=allowing(lambda _: True, credentials=False),
    )
    yield WebCase("cors-null", null, f"{reflect} {weak}", answer=allowing(lambda o: o == "null"))
    yield WebCase(
        "cors-prefix",
        weak,
        f"{reflect} {null}",
        answer=allowing(lambda o: o.endswith("cors-prefix.web.lab")),
    )
    yield WebCase(
        "cors-suffix",
        weak,
        reflect,
        answer=allowing(lambda o: o.startswith("https://cors-suffix.web.lab")),
    )
    yield WebCase(
        "cors-plain", weak, reflect, answer=allowing(lambda o: o.endswith("//cors-plain.web.lab"))
    )
    yield WebCase("cors-list", "", every, answer=allowing(lambda o: o == "https://app.web.lab"))
    yield WebCase(
        "cors-star", star, f"{reflect} {null} {weak}", headers={"Access-Control-Allow-Origin": "*"}
    )
    yield WebCase(
        "cors-star-with-credentials",
        star,
        reflect,
        headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"},
    )


def cases(lab: Lab) -> Iterator[Case]:
    for case in (*_cookies(), *_origins()):
        yield serve(lab, case)
