"""``nis2 openapi`` and ``nis2 schema``: the contracts of both doors, without a database."""

import json
import sys


def openapi() -> None:
    """Print the OpenAPI document of the REST API as JSON."""
    from gateway.app import create_app  # noqa: PLC0415 - FastAPI is not for every command
    from services.settings import Settings  # noqa: PLC0415 - as above

    settings = Settings.model_validate(
        {
            # Required of a process that serves; nobody connects to them here.
            "database_url": "postgresql://nobody@127.0.0.1/none",
            "redis_url": "redis://127.0.0.1",
            "secret_key": "a document holds no secret, ever",
        }
    )
    json.dump(create_app(settings).openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def schema() -> None:
    """Print the GraphQL schema in its definition language."""
    from graphql_schema.schema import create_schema  # noqa: PLC0415 - as above

    sys.stdout.write(create_schema().as_str().rstrip() + "\n")
