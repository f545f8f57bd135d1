"""``python -m services.rendering.render_child``: job and rows on stdin, the file on stdout."""

import resource
import sys
from importlib import import_module
from typing import BinaryIO

import msgspec

from services.rendering.document import ReportDocument, ReportRows
from services.rendering.formats import ReportFormat
from services.rendering.localize import localized
from services.rendering.render import RenderJob
from services.rendering.rows import read_rows


def render(document: ReportDocument, rows: ReportRows, format: ReportFormat, out: BinaryIO) -> None:
    """In this process. The engine is imported as needed: CSV does without the PDF's 30 MB.

    Each format has its module ``render_<format>`` with a function of the same name.
    """
    name = f"render_{format.value}"
    write = getattr(import_module(f"services.rendering.{name}"), name)
    write(*localized(document, rows), out)


def main() -> None:
    source = sys.stdin.buffer
    job = msgspec.json.decode(source.readline(), type=RenderJob)
    resource.setrlimit(resource.RLIMIT_CPU, (job.cpu_limit_s, job.cpu_limit_s))
    resource.setrlimit(resource.RLIMIT_AS, (job.memory_limit_bytes, job.memory_limit_bytes))
    render(job.document, read_rows(source), job.format, sys.stdout.buffer)


if __name__ == "__main__":
    main()
