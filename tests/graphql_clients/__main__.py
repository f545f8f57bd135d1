"""``python -m tests.graphql_clients``: what other people's clients make of our GraphQL door.

relay-compiler takes the fragments of a sample app (refetch, pagination, updatable), graphql-http
audits a running gateway, and urql with graphql-ws goes from login over a scan to its findings.
Needs npm and a package registry; the clients are kept in a directory below the temporary one.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.contract_tools.__main__ import Steps, ToolSettings

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_SCRIPTS = ("audit.mjs", "story.mjs")


def main() -> None:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("clients: npm is needed, and was not found on the PATH")
    steps = Steps()
    clients = _directory()
    if not (clients / ".installed").exists():
        arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts")
        steps.run("npm install", npm, *arguments, cwd=clients)
        (clients / ".installed").touch()
    app = clients / "relay"
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(_HERE / "relay", app)
    shutil.copy(_ROOT / "graphql_schema/schema.graphql", app)
    (app / "src/__generated__").mkdir()
    compiler = ("node", clients / "node_modules/relay-compiler/cli.js", "relay.config.json")
    steps.run("relay-compiler, a sample app", *compiler, cwd=app)
    test = (sys.executable, "-m", "pytest", "-q", "tests/graphql_clients/test_clients.py")
    steps.run("audits and a story", *test, "--graphql-clients", clients, cwd=_ROOT)


def _directory() -> Path:
    """One for each set of versions: what is there already is not fetched again."""
    versions = (_HERE / "package.json").read_bytes()
    base = ToolSettings().tools_dir or Path(tempfile.gettempdir())
    directory = base / f"nis2-graphql-clients-{hashlib.sha256(versions).hexdigest()[:12]}"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", *_SCRIPTS):
        shutil.copy(_HERE / name, directory)
    return directory


if __name__ == "__main__":
    main()
