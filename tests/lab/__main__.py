"""``python -m tests.lab``: a pair of faulty web servers to try a first scan on."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tests.lab.certificates import Authority, in_days
from tests.lab.web_server import Site, html, serve_site, server_context

_NAME = "shop.example.test"
_CERTIFICATE_DAYS = 5

SECURE_SITE = Site(
    pages={
        "/": html(
            "<!doctype html><title>Lab shop</title><h1>Lab shop</h1>"
            "<p>HTTPS with a certificate of an unknown authority, soon to expire.</p>",
            ("Set-Cookie", "session=5f2c9a; Path=/; SameSite=None"),
        )
    },
    headers=(("Server", "Apache/2.4.29 (Ubuntu)"), ("X-Powered-By", "PHP/7.2.24")),
)
"""No HSTS, no Content-Security-Policy, a session cookie without Secure, versions told."""

PLAIN_SITE = Site(
    pages={
        "/": html(
            "<!doctype html><title>Lab shop</title><h1>Lab shop</h1>"
            "<p>Plain HTTP that does not lead to HTTPS.</p>"
            '<form method="post" action="/login"><input type="password" name="password"></form>',
            ("Set-Cookie", "session=5f2c9a; Path=/"),
        )
    },
    headers=(("Server", "nginx/1.14.0"),),
)
"""No redirect to HTTPS, and a password form."""


async def _serve(host: str, port: int, http_port: int, directory: Path) -> None:
    authority = Authority.create("NIS2 Gateway Lab Root")
    identity = authority.issue([_NAME], not_after=in_days(_CERTIFICATE_DAYS))
    context = server_context(identity, directory)
    authority_path = authority.write(directory)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        secure = await stack.enter_async_context(
            serve_site(SECURE_SITE, host=host, port=port, ssl_context=context)
        )
        plain = await stack.enter_async_context(serve_site(PLAIN_SITE, host=host, port=http_port))
        typer.echo(
            f"HTTPS on https://{host}:{secure.port}/ and HTTP on http://{host}:{plain.port}/"
        )
        typer.echo(f"The authority nobody knows: {authority_path}")
        typer.echo("")
        typer.echo("Scan them with")
        typer.echo(f"  NIS2_SCAN_ALLOWED_NETWORKS={host}/32 nis2 scan {host}")
        typer.echo("Trust the authority, and one fault is gone:")
        typer.echo(
            f"  NIS2_SCAN_CA_FILE={authority_path} NIS2_SCAN_ALLOWED_NETWORKS={host}/32"
            f" nis2 scan {host}"
        )
        typer.echo("Ctrl-C ends the lab.")
        await stopped.wait()


def main(
    *,
    host: Annotated[str, typer.Option(help="A loopback address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of the HTTPS server; 0 takes a free one.")] = 8443,
    http_port: Annotated[int, typer.Option(help="Of the plain server; 0 takes one.")] = 8080,
    directory: Annotated[
        Path | None, typer.Option(help="Where certificates and keys go; kept afterwards.")
    ] = None,
) -> None:
    """Start an HTTPS and an HTTP server with instructive faults, until Ctrl-C."""
    try:
        if directory is not None:
            asyncio.run(_serve(host, port, http_port, directory))
            return
        with TemporaryDirectory(prefix="nis2-lab-") as temporary:
            asyncio.run(_serve(host, port, http_port, Path(temporary)))
    except OSError as error:
        typer.echo(f"The lab cannot start: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
