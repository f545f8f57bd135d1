"""Sets the project up and runs it, with nothing but Python's standard library.

python3 run.py setup [dev]     install into .venv (dev: with what tests and linters need)
python3 run.py up              set up, start everything (make up)
python3 run.py test [...]      set up, run the tests (make test)
python3 run.py COMMAND [...]   any other command of .venv/bin/nis2

Nothing happens when nothing changed. An interrupted installation is repaired by the next run.
"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything could refuse
    for _name in ("python3.13", "python3.12", "python3.11"):
        _program = shutil.which(_name)
        if _program:
            os.execv(_program, [_program, *sys.argv])  # noqa: S606 - the same script, a newer Python
    sys.exit("nis2: Python 3.11 or newer is needed, and none was found on the PATH")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
MARKER = VENV / ".installing"
# Each process has servers of its own; the tests of one file share theirs.
WHOLE_SUITE = ("-n", "auto", "--dist", "loadfile", "-q")
REQUIREMENTS = {"main": ("main",), "dev": ("main", "dev")}


def say(text: str) -> None:
    print(f"nis2: {text}", flush=True)


def refuse(text: str) -> None:
    sys.exit(f"nis2: {text}")


def child_environment() -> "dict[str, str]":
    environment = dict(os.environ)  # noqa: TID251 - children inherit it; settings are not read here
    # Without bytecode every start costs seconds of imports.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    return environment


def succeeds(*argv: "str | Path") -> bool:
    # The child inherits our lock: when only we are killed, the next run waits for its end.
    argv_texts = [str(part) for part in argv]
    return (
        subprocess.run(argv_texts, env=child_environment(), check=False, close_fds=False).returncode
        == 0
    )


def is_quietly_working(*argv: "str | Path") -> bool:
    try:
        result = subprocess.run(
            [str(part) for part in argv], env=child_environment(), check=False, capture_output=True
        )
    except OSError:
        return False
    return result.returncode == 0


def requirement_files(kind: str) -> "list[Path]":
    return [ROOT / f"requirements/{name}.txt" for name in REQUIREMENTS[kind]]


def stamp_text(kind: str) -> str:
    """What the stamp says when this installation is the one we want."""
    digest = hashlib.sha256()
    for path in (*requirement_files(kind), VENV / "pyvenv.cfg"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_installed(kind: str) -> bool:
    """True when the stamp fits; whoever has the development tools has the main packages."""
    if MARKER.exists() or not PYTHON.exists():
        return False
    for other in ("dev",) if kind == "dev" else ("main", "dev"):
        stamp = VENV / f".stamp-{other}"
        if stamp.exists() and stamp.read_text() == stamp_text(other):
            return True
    return False


def find_uv() -> "str | None":
    uv = shutil.which("uv")
    return uv if uv and is_quietly_working(uv, "--version") else None


def create_environment(uv: "str | None") -> None:
    say(f"Creating {VENV} ({'uv' if uv else 'venv'}, Python {sys.version.split()[0]})")
    shutil.rmtree(VENV, ignore_errors=True)
    if uv and succeeds(uv, "venv", "-q", "--python", sys.executable, VENV):
        return
    try:
        venv.create(VENV, with_pip=True, clear=True, symlinks=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(VENV, ignore_errors=True)
        refuse(
            "this Python cannot make virtual environments (ensurepip is missing): "
            "install python3-venv (Debian, Ubuntu) or uv, then run this again"
        )


def installed_names() -> "set[str]":
    return {path.name for path in VENV.glob("lib/python*/site-packages/*")}


def install(kind: str, uv: "str | None") -> bool:
    files = [part for path in requirement_files(kind) for part in ("-r", str(path))]
    # The files name every package. Without --no-deps pip looks for the newest `x[extra]` although
    # `x` is pinned, and refuses it for want of a hash.
    hashed = ["--no-deps", "--require-hashes", *files]
    if uv:
        program = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(PYTHON)]
        if succeeds(*program, *hashed):
            return True
        say("uv could not install; trying pip")
    if not is_quietly_working(PYTHON, "-m", "pip", "--version") and not is_quietly_working(
        PYTHON, "-m", "ensurepip"
    ):
        say("pip is missing in the environment (install python3-venv on Debian and Ubuntu)")
        return False
    return succeeds(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *hashed)


def install_repairably(kind: str, uv: "str | None") -> None:
    """A marker stands while files are written; who finds it starts from nothing.

    A failure that changed no file (no network) takes the marker back, so that what worked before
    goes on working.
    """
    before = installed_names()
    MARKER.touch()
    began = time.monotonic()
    packages = {
        line.split("==")[0]
        for path in requirement_files(kind)
        for line in path.read_text(encoding="utf-8").splitlines()
        if line[:1].isalnum()
    }
    tool = "uv" if uv else "pip"
    say(f"Installing {len(packages)} packages with {tool} (the first time takes a while)")
    if not install(kind, uv):
        if installed_names() == before:
            MARKER.unlink()
        refuse("the installation failed, see above")
    stamp = VENV / f".stamp-{kind}"
    draft = VENV / f".stamp-{kind}.new"
    draft.write_text(stamp_text(kind))
    draft.replace(stamp)
    MARKER.unlink()
    say(f"Installed in {time.monotonic() - began:.0f} s")


def write_command() -> None:
    """``.venv/bin/nis2``: the project is no package, it runs from its source directory."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        "from gateway.cli import app; app(prog_name='nis2')"
    )
    text = f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -c {shlex.quote(code)} "$@"\n'
    command = VENV / "bin/nis2"
    if command.exists() and command.read_text() == text:
        return
    draft = VENV / "bin/nis2.new"
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(command)


def set_up(kind: str) -> None:
    with hold_project():
        if not is_installed(kind):
            uv = find_uv()
            if MARKER.exists() or not is_quietly_working(PYTHON, "-c", "import ssl, venv"):
                create_environment(uv)
            install_repairably(kind, uv)
        write_command()


@contextlib.contextmanager
def hold_project():  # noqa: ANN201 - an annotation here would need an import newer than old Pythons
    """Two of us at once (make up, make test) take turns."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - the only way to call it
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is under way; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> None:
    command, *rest = sys.argv[1:] or ["up"]
    if command in {"-h", "--help"}:
        print(__doc__.strip() if __doc__ else "")
        return
    is_development = command == "test" or (command == "setup" and rest[:1] == ["dev"])
    try:
        set_up("dev" if is_development else "main")
    except OSError as error:
        refuse(
            f"cannot install into {VENV}: {error.strerror or error} ({error.filename}); "
            "the project directory must be writable for the installation"
        )
    except KeyboardInterrupt:
        refuse("interrupted; the next run repairs the installation")
    if command == "setup":
        return
    program = [str(VENV / "bin/nis2"), command, *rest]
    if command == "test":
        os.chdir(ROOT)
        program = [str(PYTHON), "-m", "pytest", *(rest or WHOLE_SUITE)]
    os.execve(program[0], program, child_environment())  # noqa: S606 - become what was asked for


if __name__ == "__main__":
    main()
