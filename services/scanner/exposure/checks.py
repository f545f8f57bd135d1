"""Files, listings and error pages, judged. Pure."""

from services.scanner.check import Check, Problem, Severity, Verdict, check
from services.scanner.exposure.facts import ExposureFacts, FileKind

_DENY = "Remove it from the web root, deny such paths in the server, and rotate what leaked."
_WSTG = "OWASP WSTG-CONF-04"


def _elsewhere(facts: ExposureFacts) -> Verdict | None:
    if not facts.onward:
        return None
    return Verdict.passed(f"nothing is served here: every path leads to {facts.onward}")


def _served(facts: ExposureFacts, kind: FileKind, what: str) -> Verdict:
    early = _elsewhere(facts)
    if early is not None:
        return early
    problems = tuple(
        Problem(
            f"{hit.path} is served: {hit.proof}",
            hit.path,
            None,
            {"url": facts.url + hit.path, "proof": hit.proof},
        )
        for hit in facts.hits
        if hit.kind is kind
    )
    if problems:
        return Verdict.failed_each(problems)
    if kind in facts.unknown:
        return Verdict.not_evaluated(facts.unknown[kind])
    return Verdict.passed(f"{what} is not served")


@check(
    "http.files.git",
    rationale="Whoever downloads the repository has the source, its history, and the passwords that"
    " were ever committed.",
    remediation=_DENY,
    sources=("OWASP ASVS 13.4.1", _WSTG, "CWE-527"),
)
def git_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.GIT, "a Git repository")


@check(
    "http.files.svn",
    rationale="The working copy's database names every file and holds their text.",
    remediation=_DENY,
    sources=("OWASP ASVS 13.4.1", _WSTG, "CWE-527"),
)
def svn_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.SVN, "a Subversion working copy")


@check(
    "http.files.env",
    rationale="Such files hold the passwords and keys that the application runs with.",
    remediation=_DENY,
    sources=("OWASP ASVS 13.3.1", _WSTG, "CWE-538"),
)
def environment_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.ENV, "an environment file")


@check(
    "http.files.backup",
    rationale="A dump or an archive gives away the whole database or the whole site at once.",
    remediation=_DENY,
    sources=("OWASP ASVS 13.4.7", _WSTG, "CWE-530"),
)
def backups_are_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.BACKUP, "a backup under one of the usual names")


@check(
    "http.files.ds_store",
    rationale="The file names everything in its directory, also what no page links to.",
    remediation=_DENY,
    sources=(_WSTG, "CWE-538"),
)
def ds_store_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.DS_STORE, "a .DS_Store file")


@check(
    "http.files.phpinfo",
    rationale="The page tells versions, paths, settings and often passwords of the environment.",
    remediation="Remove the page.",
    sources=("OWASP ASVS 13.4.5", _WSTG, "CWE-200"),
)
def phpinfo_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.PHPINFO, "a phpinfo page")


@check(
    "http.files.server_status",
    rationale="The page shows who asks for what at this moment, tokens in addresses included.",
    remediation="Allow the status page to the monitoring alone (Require ip).",
    sources=("OWASP ASVS 13.4.5", _WSTG, "CWE-200"),
)
def server_status_is_not_served(facts: ExposureFacts) -> Verdict:
    return _served(facts, FileKind.SERVER_STATUS, "Apache's status page")


@check(
    "http.listing",
    rationale="A listing leads to files that no page links to: copies, drafts, uploads of others.",
    remediation="Switch listings off (Options -Indexes, autoindex off).",
    sources=("OWASP ASVS 13.4.3", "CWE-548"),
)
def directories_are_not_listed(facts: ExposureFacts) -> Verdict:
    early = _elsewhere(facts)
    if early is not None:
        return early
    severity = Severity.INFO if facts.is_public_archive else None
    problems = tuple(
        Problem(f"{path} lists its files", path, severity, {"url": facts.url + path})
        for path in facts.listings
    )
    if problems:
        return Verdict.failed_each(problems)
    if facts.unknown_directories:
        return Verdict.not_evaluated(facts.unknown_directories)
    return Verdict.passed("no listing at " + ", ".join(facts.directories))


@check(
    "http.info.stacktrace",
    rationale="A stack trace shows paths, versions and the way the code works, and a debugger's"
    " page may even run commands.",
    remediation="Switch debugging off and answer errors with a page of your own.",
    sources=("OWASP ASVS 16.5.1", "OWASP WSTG-ERRH-02", "CWE-209"),
)
def errors_show_nothing(facts: ExposureFacts) -> Verdict:
    early = _elsewhere(facts)
    if early is not None:
        return early
    if facts.traces:
        trace = facts.traces[0]
        message = f"an error page ({trace.status}) shows internals: {trace.kind}"
        evidence = {"url": facts.url + trace.path, "kinds": sorted({t.kind for t in facts.traces})}
        return Verdict.failed(message, discriminator=trace.kind, evidence=evidence)
    if not facts.error_pages:
        return Verdict.not_evaluated(facts.unknown_errors or "the server showed no error page")
    return Verdict.passed(f"{facts.error_pages} error pages show no internals")


CHECKS: tuple[Check[ExposureFacts], ...] = (
    git_is_not_served,
    svn_is_not_served,
    environment_is_not_served,
    backups_are_not_served,
    ds_store_is_not_served,
    phpinfo_is_not_served,
    server_status_is_not_served,
    directories_are_not_listed,
    errors_show_nothing,
)
