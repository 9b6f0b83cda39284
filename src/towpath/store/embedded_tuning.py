"""The settings of the embedded PostgreSQL, sized to the machine."""

import os
from pathlib import Path


def settings() -> dict[str, str]:
    """Settings for one program on one machine: durable, sized to its memory, quiet about people."""
    memory_mb = _memory_bytes() // 2**20
    return {
        "max_connections": "50",
        "shared_buffers": f"{max(64, min(memory_mb // 4, 2048))}MB",
        "effective_cache_size": f"{max(128, memory_mb // 2)}MB",
        "maintenance_work_mem": f"{max(32, min(memory_mb // 32, 512))}MB",
        "work_mem": "16MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "wal_level": "minimal",  # nobody replicates from here
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "synchronous_commit": "on",
        "fsync": "on",
        "timezone": "UTC",
        # Error details and statements can hold an e-mail or a phone number: never into the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def _memory_bytes() -> int:
    """The machine's memory, or the control group's if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return machine
