"""The pages on a real socket, and a browser to open them with."""

import shutil
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from pydantic_settings import BaseSettings

from gateway.app import create_app
from services.settings import Settings
from tests.pages.browser import Browser, run_browser

_ORGANIZATION = "Waterworks Delft"
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


@pytest.fixture(scope="module")
def site(settings: Settings) -> Generator[Site]:
    """The whole application as uvicorn serves it on loopback, from a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(settings), ws="none", log_level="warning", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    account = {"email": "ada@example.org", "password": "correct horse battery"}
    registered = httpx2.post(
        f"{url}/api/v1/auth/register",
        json={**account, "full_name": "Ada Lovelace", "org_name": _ORGANIZATION},
    )
    assert registered.status_code == 201, registered.text
    yield Site(
        url=url,
        organization_id=registered.json()["org_id"],
        organization=_ORGANIZATION,
        **account,
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
