"""The pages on a real socket, and a browser to open them with."""

import shutil
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass

import pytest
import uvicorn
from pydantic_settings import BaseSettings

from tests.pages.application import EMAIL, ORGANIZATION_ID, PASSWORD, create_test_application
from tests.pages.browser import Browser, run_browser

_EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Surroundings(BaseSettings):
    """What the environment says about where the tests run."""

    ci: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A running gateway and an account in it."""

    url: str
    email: str
    password: str
    organization_id: str
    organization: str


@pytest.fixture(scope="session")
def site() -> Generator[Site]:
    """The pages as uvicorn serves them on loopback, from a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_test_application(), ws="none", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Site(
        url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        email=EMAIL,
        password=PASSWORD,
        organization_id=ORGANIZATION_ID,
        organization="Waterworks Delft",
    )
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    executable = next(filter(None, map(shutil.which, _EXECUTABLES)), None)
    if executable is None:
        message = "No Chromium on the PATH: install the package chromium to run the browser tests."
        if Surroundings().ci:
            pytest.fail(message)
        pytest.skip(message)
    with run_browser(executable, tmp_path_factory.mktemp("chromium")) as running:
        yield running
