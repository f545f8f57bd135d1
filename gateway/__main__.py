"""``python -m gateway``: the HTTP server, until a signal comes."""

import asyncio
import sys

import uvicorn

from gateway.app import create_app
from services.logs import set_up_logging
from services.resources import StartRefused, open_resources
from services.settings import Settings


def main() -> None:
    """Exits with 1 and one line when the installation is not ready."""
    set_up_logging()
    settings = Settings.model_validate({})  # from the environment
    try:
        asyncio.run(_check(settings))
    except StartRefused as error:
        sys.exit(f"nis2: {error}")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,  # gateway.request_log writes one line per request, without the query
        log_level="warning",
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
        ws_max_size=262_144,
    )


async def _check(settings: Settings) -> None:
    """Refuse before the port is taken, with a message instead of a traceback."""
    async with open_resources(settings):
        pass


if __name__ == "__main__":
    main()
