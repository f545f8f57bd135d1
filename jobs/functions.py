"""The jobs, their time limits, and what the clock starts: the one table of them."""

from datetime import timedelta

from arq import cron, func
from arq.cron import CronJob
from arq.worker import Function

from jobs import findings, mail, reports, scans, schedules
from jobs.observed import observed
from jobs.sweep import sweep
from services.auth import SEND_PASSWORD_RESET
from services.organizations import SEND_INVITATION
from services.reports import RUN_REPORT
from services.scans import FINALIZE_SCAN, PLAN_SCAN, RUN_BATCH

_MAIL = timedelta(minutes=1)
# keep_result=0: arq refuses a job id for as long as it keeps that id's result.
FUNCTIONS: list[Function] = [
    func(scans.plan_scan, name=PLAN_SCAN, timeout=timedelta(minutes=5), keep_result=0),
    func(scans.run_batch, name=RUN_BATCH, timeout=timedelta(hours=1), keep_result=0),
    func(scans.finalize_scan, name=FINALIZE_SCAN, timeout=timedelta(minutes=10), keep_result=0),
    func(reports.run_report, name=RUN_REPORT, timeout=timedelta(minutes=5), keep_result=0),
    func(mail.send_invitation, name=SEND_INVITATION, timeout=_MAIL, keep_result=0),
    func(mail.send_password_reset, name=SEND_PASSWORD_RESET, timeout=_MAIL, keep_result=0),
]
# The sweep every 5 seconds, the tick of schedules and the upkeep of findings each minute; all of
# them once when a worker starts.
# Each runs on one worker: arq gives it an id of its own in Redis.
CRON: list[CronJob] = [
    cron(sweep, name="sweep", second=set(range(0, 60, 5)), run_at_startup=True, keep_result=0),
    cron(
        findings.keep_up_findings,
        name="keep_up_findings",
        second=30,
        run_at_startup=True,
        keep_result=0,
    ),
    cron(schedules.tick, name="tick", second=0, run_at_startup=True, keep_result=0),
]
for _entry in (*FUNCTIONS, *CRON):
    _entry.coroutine = observed(_entry.name, _entry.coroutine)
