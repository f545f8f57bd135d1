"""Where ``python -m tests.graphql_clients`` put the clients."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--graphql-clients", type=Path, default=None, help="a tools directory")


@pytest.fixture
def clients(pytestconfig: pytest.Config) -> Path:
    directory: Path | None = pytestconfig.getoption("--graphql-clients", default=None)
    if directory is None:
        pytest.skip("make contract installs the clients and runs this")
    return directory
