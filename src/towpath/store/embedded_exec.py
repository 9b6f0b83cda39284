"""What the launcher runs: a keeper of the server, and the last thing before a server binary.

Run as a script of its own, since a `preexec_fn` is unsafe in a program with threads:

    python -I -S embedded_exec.py run PARENT_PID PROGRAM ARGUMENT...
    python -I -S embedded_exec.py keep ATTACHED LOCK_FD STOP_S PROGRAM ARGUMENT...

`run` becomes PROGRAM. As root it turns into an unprivileged user first, because PostgreSQL refuses
root; then it asks the kernel for SIGINT (PostgreSQL's fast shutdown) when the parent dies. In this
order: a change of user clears that wish. `keep` has the program as its child and stops it when
nobody shares the file ATTACHED any more; the lock that it inherited is free when it has ended.
"""

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path

SERVER_ID = 65534  # "nobody" on every Linux and BSD: nothing need be created
PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:
    """Drop root, tie our life to `parent`'s, and run `command` in our place. Does not return."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(SERVER_ID)
        os.setuid(SERVER_ID)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("the parent died before the server could start")
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - no shell wanted


def keep(attached: str, lock: int, stop_s: float, command: list[str]) -> int:
    """Run `command` until it ends, or until nobody is attached; gives its exit code."""
    os.set_inheritable(lock, False)
    keeper = os.getpid()
    server = os.fork()
    if server == 0:
        become(keeper, command)
    # Who stops a whole group of processes means the commands: they still need the server then.
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    threading.Thread(target=_stop_unused, args=(attached, server, stop_s), daemon=True).start()
    return os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])


def _stop_unused(attached: str, server: int, stop_s: float) -> None:
    with Path(attached).open("a") as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        os.kill(server, signal.SIGINT)
        time.sleep(stop_s)
        os.kill(server, signal.SIGQUIT)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "run":
        become(int(rest[0]), rest[1:])
    sys.exit(keep(rest[0], int(rest[1]), float(rest[2]), rest[3:]))
