import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import msgspec
import psutil
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from services.embedded import StopRequested, Supervisor
from services.embedded import redis_server as redis_room
from services.embedded.redis_server import free_port

_SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


@pytest.fixture
def stranger() -> Generator[subprocess.Popen[bytes]]:
    """A process that some earlier instance may have started."""
    with subprocess.Popen(_SLEEPER, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own lines
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def _record(data_dir: Path, pid: int, created: float) -> None:
    data_dir.mkdir()
    record = {"worker": (pid, created, 15)}
    (data_dir / "children.json").write_bytes(msgspec.json.encode(record))


def test_an_orphan_is_ended_by_pid_and_start_time(
    data_dir: Path, stranger: subprocess.Popen[bytes], said: list[str]
) -> None:
    _record(data_dir, stranger.pid, psutil.Process(stranger.pid).create_time())

    Supervisor(data_dir).reap_orphans(said.append)

    assert stranger.wait(timeout=5) == -15
    assert said == [f"Ending worker (pid {stranger.pid}), left over from an earlier run"]
    assert not (data_dir / "children.json").exists()


def test_a_process_that_only_has_an_orphans_pid_is_left_alone(
    data_dir: Path, stranger: subprocess.Popen[bytes], said: list[str]
) -> None:
    _record(data_dir, stranger.pid, psutil.Process(stranger.pid).create_time() - 60)

    Supervisor(data_dir).reap_orphans(said.append)

    assert stranger.poll() is None
    assert said == []


def test_a_child_that_ignores_the_signal_is_killed_when_its_time_is_up(data_dir: Path) -> None:
    data_dir.mkdir()
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(600)"
    )
    supervisor = Supervisor(data_dir)
    argv = [sys.executable, "-c", code]
    child = supervisor.spawn("deaf", argv, environment={}, output=subprocess.PIPE)
    assert child.process.stdout is not None
    child.process.stdout.readline()

    supervisor.stop(child, limit_s=0.2)

    assert child.process.returncode == -9
    child.process.stdout.close()


def test_a_request_to_stop_ends_every_wait(data_dir: Path) -> None:
    supervisor = Supervisor(data_dir)
    supervisor.stop_requested = True

    with pytest.raises(StopRequested):
        supervisor.wait_until(lambda: False)


@pytest.fixture
def stand_in() -> Generator[int]:
    """The port of a process that stands in for Redis."""
    port = free_port()
    script = Path(redis_room.__file__).with_name("fake_redis.py")
    argv = [sys.executable, "-P", str(script), str(port)]
    with subprocess.Popen(argv) as process:  # noqa: S603 - our own script
        yield port
        process.kill()


async def test_the_stand_in_for_redis_answers_what_arq_asks_at_its_start(stand_in: int) -> None:
    # It needs a moment before it listens.
    patience = Retry(ConstantBackoff(0.1), 100)
    redis = Redis(port=stand_in, retry=patience, retry_on_error=[OSError])
    async with redis:
        info = await redis.info("server")  # pyright: ignore[reportUnknownMemberType]  # redis-py 5
        await redis.set("key", "value")

        assert info["redis_version"] == "6.2.0"
        assert await redis.get("key") == b"value"
