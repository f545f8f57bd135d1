import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.embedded import AlreadyRunning, EmbeddedError, EmbeddedServers, temporary_servers
from tests.embedded.conftest import ask, ping

_HOLD = """
import sys
from pathlib import Path
from services.embedded import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]))
servers.start(lambda _: None)
print(servers.owner_database_url, flush=True)
sys.stdin.read()
"""


def _hold_servers(data_dir: Path) -> tuple[subprocess.Popen[str], str]:
    """Durable servers in a process that can be killed."""
    root = Path(__file__).parents[2]
    holder = subprocess.Popen(  # noqa: S603 - this interpreter, our own lines
        [sys.executable, "-c", _HOLD, str(data_dir)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    return holder, holder.stdout.readline().strip()


def _let_go(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    for stream in (holder.stdin, holder.stdout):
        assert stream is not None
        stream.close()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _children() -> set[int]:
    """Processes started here: also the servers of the rest of the run."""
    return {child.pid for child in psutil.Process().children()}


async def test_both_servers_answer_and_end_with_nothing_left_behind() -> None:
    before = _children()
    with temporary_servers(lambda _: None) as servers:
        version = await ask(servers.owner_database_url, "select current_setting('server_version')")
        assert await ping(servers.redis_url)
        pids = _children() - before
        directory = servers.data.path
        await _refuses_a_wrong_password(servers)
        await _refuses_a_second_instance(servers)

    assert str(version).startswith("18")
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not directory.exists()


async def _refuses_a_wrong_password(servers: EmbeddedServers) -> None:
    url = servers.owner_database_url.replace(servers.secrets.owner_password, "guess")

    with pytest.raises(Exception, match="password authentication failed"):
        await ask(url, "select 1")


async def _refuses_a_second_instance(servers: EmbeddedServers) -> None:
    with pytest.raises(AlreadyRunning, match=rf"already running \(pid {os.getpid()}\)"):
        EmbeddedServers(servers.data.path).start(lambda _: None)

    assert await ask(servers.owner_database_url, "select 1") == 1


async def test_a_second_start_has_the_same_data_and_the_same_secrets(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    servers.start(said.append)
    await ask(servers.owner_database_url, "create table kept as select 7 as n")
    first = servers.secrets
    servers.stop()
    (data_dir / "secrets.json").chmod(0o644)

    servers.start(said.append)

    assert _mode(data_dir / "secrets.json") == 0o600
    assert _mode(data_dir / "pg") == 0o700
    assert await ask(servers.owner_database_url, "select n from kept") == 7
    assert sum("Creating the database cluster" in line for line in said) == 1
    assert first.are_new
    assert not servers.secrets.are_new
    assert servers.secrets.secret_key == first.secret_key
    assert len(first.secret_key) >= 32


def test_what_is_secret_is_closed_to_others(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    data_dir.mkdir()
    (data_dir / "secrets.json").write_text(
        '{"secret_key": "k", "owner_password": "o", "application_password": "a"}'
    )
    (data_dir / "secrets.json").chmod(0o644)

    servers.open(said.append)

    assert _mode(data_dir / "secrets.json") == 0o600
    assert _mode(data_dir / "logs") == 0o700
    assert _mode(servers.data.sockets) == 0o700
    assert servers.secrets.secret_key == "k"


async def test_lost_secrets_are_replaced_and_the_data_stays_reachable(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    servers.start(said.append)
    old = servers.owner_database_url
    servers.stop()
    (data_dir / "secrets.json").unlink()

    servers.start(said.append)

    assert servers.owner_database_url != old
    assert await ask(servers.owner_database_url, "select 1") == 1


async def test_after_kill_9_of_everything_the_next_start_has_the_data(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    holder, url = _hold_servers(data_dir)
    try:
        await ask(url, "create table kept as select 7 as n")
        holding = psutil.Process(holder.pid)
        for process in (holding, *holding.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend may go with its server
                process.kill()
    finally:
        _let_go(holder)

    servers.start(said.append)

    assert await ask(servers.owner_database_url, "select n from kept") == 7


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_servers_end_by_themselves_when_their_supervisor_is_killed(data_dir: Path) -> None:
    holder, _ = _hold_servers(data_dir)
    try:
        servers = psutil.Process(holder.pid).children()
    finally:
        _let_go(holder)

    _, alive = psutil.wait_procs(servers, timeout=20)

    assert len(servers) == 2
    assert alive == []


async def test_a_killed_server_is_started_again(servers: EmbeddedServers, said: list[str]) -> None:
    before = _children()
    servers.start(said.append)
    victims = [psutil.Process(pid) for pid in _children() - before]
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims, timeout=10)

    servers.revive(said.append)

    assert await ask(servers.owner_database_url, "select 1") == 1
    assert await ping(servers.redis_url)


async def test_a_stale_postmaster_pid_of_a_living_program_does_not_block(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    servers.start(said.append)
    servers.stop()
    # The pid came to another program: this one.
    lines = [str(os.getpid()), str(data_dir / "pg"), "1", "5432", "", "", "1 1", "ready"]
    (data_dir / "pg/postmaster.pid").write_text("\n".join(lines) + "\n")

    servers.start(said.append)

    assert await ask(servers.owner_database_url, "select 1") == 1


async def test_half_an_initdb_is_thrown_away(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    draft = data_dir / "pg.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")

    servers.start(said.append)

    assert await ask(servers.owner_database_url, "select 1") == 1
    assert not draft.exists()


async def test_a_long_path_with_space_apostrophe_and_accent_works(
    data_dir: Path, said: list[str]
) -> None:
    path = data_dir / "it's a long & winding rôad" / ("x" * 100)
    path.parent.mkdir(parents=True)
    servers = EmbeddedServers(path, durable=False)
    try:
        servers.start(said.append)

        assert await ask(servers.owner_database_url, "select 1") == 1
        assert await ping(servers.redis_url)
        assert len(str(servers.data.sockets)) < 80
        assert _mode(servers.data.sockets) == 0o700
    finally:
        servers.stop()
        servers.data.sockets.rmdir()


def test_a_damaged_redis_journal_is_put_aside(data_dir: Path, said: list[str]) -> None:
    servers = EmbeddedServers(data_dir, postgres=False)
    try:
        servers.start(said.append)
        servers.stop()
        (data_dir / "redis/appendonly.aof").write_bytes(b"this is no journal\r\n" * 9)

        servers.start(said.append)

        assert (data_dir / "redis.damaged/appendonly.aof").exists()
        assert any("put aside" in line for line in said)
    finally:
        servers.stop()


def test_a_cluster_of_another_version_is_left_alone(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    (data_dir / "pg").mkdir(parents=True)
    (data_dir / "pg/PG_VERSION").write_text("9\n")

    with pytest.raises(EmbeddedError, match="made by PostgreSQL 9"):
        servers.start(said.append)

    assert (data_dir / "pg/PG_VERSION").read_text() == "9\n"


def test_a_file_in_place_of_the_data_directory_gives_one_clear_line(
    servers: EmbeddedServers, said: list[str], data_dir: Path
) -> None:
    data_dir.write_text("")

    with pytest.raises(EmbeddedError, match="set NIS2_DATA_DIR"):
        servers.start(said.append)
