"""Drives the generated client: ``drive_client.py URL DIRECTORY``, in an environment with httpx."""

import json
import sys
import time
from importlib import import_module
from typing import Any
from uuid import UUID

_PATIENCE_S = 30
_NOBODY = UUID(int=7)

URL, DIRECTORY = sys.argv[1:]
sys.path.insert(0, DIRECTORY)
# The package is generated when this runs: whoever checks the types of this file has none of it.
client_module: Any = import_module("nis2_client")
models: Any = import_module("nis2_client.models")


def operation(tag: str, name: str) -> Any:  # noqa: ANN401 - a generated module
    return import_module(f"nis2_client.api.{tag}.{name}")


def main(url: str) -> None:
    tokens = operation("authentication", "register").sync(
        client=client_module.Client(base_url=url),
        body=models.RegisterRequest(
            email="generated@example.com",
            password="correct horse battery staple",
            full_name="Generated Client",
            org_name="Generators",
        ),
    )
    client = client_module.AuthenticatedClient(base_url=url, token=tokens.access_token)
    asset = operation("assets", "create_asset").sync(
        client=client, body=models.AssetCreateRequest(target_value="example.org")
    )
    scan = operation("scans", "create_scan").sync(
        client=client, body=models.ScanCreateRequest(asset_ids=[asset.id], name="Generated")
    )
    deadline = time.monotonic() + _PATIENCE_S
    while scan.status in {"pending", "running"} and time.monotonic() < deadline:
        time.sleep(0.1)
        scan = operation("scans", "get_scan").sync(client=client, scan_id=scan.id)
    page = operation("findings", "list_findings").sync(client=client)
    missing = operation("assets", "get_asset").sync(client=client, asset_id=_NOBODY)
    result = {
        "status": scan.status,
        "findings": [[each.check_id, each.severity, each.status] for each in page.items],
        "error": missing.detail,
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(URL)
