"""What Prometheus reads after one scan, and that dashboard and alerts ask for nothing else."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.request import urlopen

import promql_parser
import pytest
import yaml
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from jobs.context import Ctx, JobContext
from jobs.sweep import sweep
from services.metrics_server import metrics_server
from services.resources import Resources, StartRefused
from services.scanner.engine import NetworkScanner, open_context
from services.scans import Worker
from services.settings import Settings
from tests.conftest import RunJobs
from tests.jobs.conftest import StartScan
from tests.lab.web_server import Site, html, serve_site
from tests.members import Member
from tests.scanner.net.listeners import free_port
from tests.scanners import StubScanner

_MONITORING = Path(__file__).resolve().parents[2] / "docs/deploy/monitoring"
_LABELS_OF_PROMETHEUS = {"le", "job", "instance"}

Samples = dict[str, list[dict[str, str]]]


def _read(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return answer.read().decode()


def _samples(exposition: str) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample.labels)
    return samples


@pytest.fixture
async def exported(
    client: AsyncClient,
    admin: Member,
    resources: Resources,
    settings: Settings,
    start_scan: StartScan,
    run_jobs: RunJobs,
) -> Samples:
    """The samples of a process that answered requests and ran a scan of a web server."""
    async with (
        serve_site(Site(pages={"/": html("<title>Shop</title>")}), host="127.0.77.2", port=8080),
        open_context(settings.probe_options(), settings.address_policy()) as context,
    ):
        await start_scan("127.0.77.2")
        await run_jobs(NetworkScanner(context))
    await start_scan("127.0.77.2")  # and one whose message was lost
    await _sweep_later(resources, admin)
    await client.get("/api/v1/nothing/here", headers=admin.headers)
    with_port = settings.model_copy(update={"metrics_port": free_port()})
    with metrics_server(with_port, resources):
        assert with_port.metrics_port is not None
        return _samples(await asyncio.to_thread(_read, with_port.metrics_port))


async def _sweep_later(resources: Resources, member: Member) -> None:
    """Make what waits look old, and let the sweep of a worker find it."""
    async with resources.database.transaction(member.scope) as work:
        await work.session.execute(
            text("update scans set created_at = now() - interval '1 hour' where status = 'pending'")
        )
    ctx: Ctx = {}
    worker = Worker(resources.database, StubScanner(), name="test")
    JobContext(resources, worker, AsyncExitStack()).put_into(ctx)
    await sweep(ctx)


def _queries() -> Iterator[tuple[str, str]]:
    board = json.loads((_MONITORING / "grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for group in yaml.safe_load((_MONITORING / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]


def _selectors(expression: object) -> Iterator[promql_parser.VectorSelector]:
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield expression.vector_selector
    elif isinstance(expression, promql_parser.BinaryExpr):
        yield from _selectors(expression.lhs)
        yield from _selectors(expression.rhs)
    elif isinstance(expression, promql_parser.Call):
        for argument in expression.args:
            yield from _selectors(argument)
    elif isinstance(expression, promql_parser.AggregateExpr | promql_parser.ParenExpr):
        yield from _selectors(expression.expr)


def _grouped_by(query: str) -> Sequence[str]:
    labels: list[str] = []
    for part in query.split(" by (")[1:]:
        labels += [label.strip() for label in part.partition(")")[0].split(",")]
    return labels


async def test_dashboard_and_alerts_ask_only_for_what_is_exported(exported: Samples) -> None:
    for where, query in _queries():
        selectors = list(_selectors(promql_parser.parse(query)))
        assert selectors, where
        for selector in selectors:
            assert selector.name in exported, f"{where}: {selector.name} is not exported"
            labels = {label for sample in exported[selector.name] for label in sample}
            asked = {matcher.name for matcher in selector.matchers.matchers}
            asked |= set(_grouped_by(query)) - _LABELS_OF_PROMETHEUS
            assert asked <= labels, f"{where}: {asked - labels} are no labels of {selector.name}"


async def test_every_series_of_ours_is_shown_or_watched(exported: Samples) -> None:
    asked = "".join(query for _, query in _queries())
    ours = {
        name.removesuffix("_total").removesuffix("_bucket").removesuffix("_sum")
        for name in exported
        if name.startswith("nis2_") and not name.endswith(("_created", "_count", "_info"))
    }
    assert {name for name in ours if name not in asked} == {"nis2_workers_busy"}


async def test_a_route_is_counted_by_its_template_and_the_rest_as_one(exported: Samples) -> None:
    routes = {sample["route"] for sample in exported["nis2_http_requests_total"]}

    assert {"/api/v1/scans", "/api/v1/auth/register", "unmatched"} <= routes
    assert not any("nothing" in route for route in routes)


async def test_a_scan_leaves_outcomes_and_durations(exported: Samples) -> None:
    jobs = {(s["job"], s["outcome"]) for s in exported["nis2_jobs_total"]}

    assert {("plan_scan", "done"), ("run_batch", "done"), ("finalize_scan", "done")} <= jobs
    assert {"status": "completed"} in exported["nis2_scans_ended_total"]
    assert {"status": "evaluated"} in exported["nis2_scan_targets_total"]
    assert {"category": "http", "outcome": "failed"} in exported["nis2_check_results_total"]
    assert {"suite": "http"} in exported["nis2_suite_duration_seconds_count"]
    assert {"kind": "scans", "status": "pending"} in exported["nis2_work"]


async def test_a_port_in_use_is_refused_in_one_line(
    resources: Resources, settings: Settings
) -> None:
    taken = settings.model_copy(update={"metrics_port": free_port()})
    with (
        metrics_server(taken, resources),
        pytest.raises(StartRefused, match="NIS2_METRICS_PORT"),
        metrics_server(taken, resources),
    ):
        pass
