"""Become PostgreSQL: the last thing a child of the launcher does before it runs a server binary.

Run as a script of its own (`python -I -S embedded_exec.py PARENT_PID PROGRAM ARGUMENT...`), since
a `preexec_fn` is unsafe in a program with threads. As root it turns into an unprivileged user
first, because PostgreSQL refuses root; then it asks the kernel for SIGINT (PostgreSQL's fast
shutdown) when the parent dies. In this order: a change of user clears that wish.
"""

import ctypes
import os
import signal
import sys

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


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
