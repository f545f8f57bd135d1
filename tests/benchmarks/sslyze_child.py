"""Runs in sslyze's own environment: the TLS facts of one endpoint, and the seconds they took.

``python sslyze_child.py ADDRESS PORT NAME``; imports are not counted.
"""

import sys
import time
from importlib import import_module


def main() -> None:
    address, port, name = sys.argv[1:]
    sslyze = import_module("sslyze")  # never a dependency of ours, so no import that a tool follows
    location = sslyze.ServerNetworkLocation(hostname=name, port=int(port), ip_address=address)
    commands = set(sslyze.ScanCommand) - {sslyze.ScanCommand.HTTP_HEADERS}
    scanner = sslyze.Scanner()
    started = time.perf_counter()
    scanner.queue_scans([sslyze.ServerScanRequest(location, scan_commands=commands)])
    (result,) = scanner.get_results()
    took = time.perf_counter() - started
    if result.scan_result is None:
        sys.exit(f"sslyze: {result.connectivity_error_trace}")
    sys.stdout.write(f"{took:.3f}\n")


if __name__ == "__main__":
    main()
