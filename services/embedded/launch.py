"""Becomes another program: drops root, asks to be told when the parent dies, executes.

Runs as a script before each server: ``python -I -S launch.py PARENT SIGNAL UID GID PROGRAM …``.
A ``preexec_fn`` could do the same, but is unsafe in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid, gid = (int(value) for value in sys.argv[1:5])
    program = sys.argv[5:]
    # Loaded while the interpreter's directory can still be read.
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if libc is not None:
        # After setuid: a change of user clears it.
        libc.prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would hand that on
    os.execv(program[0], program)  # noqa: S606 - replacing this process is what the file is for


if __name__ == "__main__":
    main()
