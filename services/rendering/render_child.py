"""``python -m services.rendering.render_child``: a render job on stdin, the file on stdout."""

import resource
import sys

import msgspec

from services.rendering.document import ReportDocument
from services.rendering.formats import ReportFormat
from services.rendering.render import RenderJob


def render(document: ReportDocument, format: ReportFormat) -> bytes:
    """In this process. The engines are imported as needed: CSV does without the PDF's 30 MB."""
    # ruff: noqa: PLC0415 - see above
    match format:
        case ReportFormat.PDF:
            from services.rendering.render_pdf import render_pdf

            return render_pdf(document)
        case ReportFormat.HTML:
            from services.rendering.render_html import render_html

            return render_html(document)
        case ReportFormat.JSON:
            from services.rendering.render_json import render_json

            return render_json(document)
        case ReportFormat.CSV:
            from services.rendering.render_csv import render_csv

            return render_csv(document)


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=RenderJob)
    resource.setrlimit(resource.RLIMIT_CPU, (job.cpu_limit_s, job.cpu_limit_s))
    resource.setrlimit(resource.RLIMIT_AS, (job.memory_limit_bytes, job.memory_limit_bytes))
    sys.stdout.buffer.write(render(job.document, job.format))


if __name__ == "__main__":
    main()
