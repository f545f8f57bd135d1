"""Where ``python -m tests.contract_tools`` put the generated client."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--generated-client", type=Path, default=None, help="a tools directory")


@pytest.fixture
def tools(pytestconfig: pytest.Config) -> Path:
    directory: Path | None = pytestconfig.getoption("--generated-client", default=None)
    if directory is None:
        pytest.skip("make contract generates the client and runs this")
    return directory
