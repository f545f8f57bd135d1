"""``python -m jobs``: a worker, until it is told to stop."""

import sys

from jobs.worker import make_worker
from services.resources import StartRefused


def main() -> None:
    """Exits with 1 and one line when the installation is not ready."""
    try:
        make_worker().run()
    except StartRefused as error:
        sys.exit(f"nis2: {error}")


if __name__ == "__main__":
    main()
