"""What a run costs: CPU seconds of PostgreSQL's processes and of our own, memory, WAL.

CPU is read from the kernel's scheduler statistics, so it counts what was really used, whatever else
the machine does meanwhile. Linux only.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from towpath.store.database import Db

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def own_cpu_s() -> float:
    """CPU seconds of this process so far, all threads."""
    return time.process_time()


def threads_cpu_s(pid: int) -> float:
    """CPU seconds so far of the living threads of another process."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(one.read_text(encoding="ascii").split()[0]) for one in threads) / 1e9


def own_peak_rss_mb() -> float:
    """The most memory this process has held. `ru_maxrss` would begin with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@dataclass(frozen=True, slots=True)
class Postgres:
    """A reading of a server: CPU seconds since its start, and where its WAL ends (bytes)."""

    cpu_s: float
    wal_bytes: int

    @classmethod
    def read(cls, db: Db, postmaster: int) -> "Postgres":
        """Of all processes but the one that serves `db`: it belongs to the bench."""
        row = db.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        mine = db.info.backend_pid
        living = sum(_cpu_s(pid) for pid in _children(postmaster) if pid != mine)
        return cls(living + _cpu_s(postmaster) + _dead_children_cpu_s(postmaster), int(row[0]))


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def _cpu_s(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except FileNotFoundError:  # it ended just now: the postmaster counts it
        return 0.0


def _dead_children_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    user, system = fields[13], fields[14]  # cutime, cstime: fields 16 and 17 of proc(5)
    return (int(user) + int(system)) * TICK_S
