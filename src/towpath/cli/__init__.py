"""The commands, and `compose.py`, the only place that builds real things out of settings."""

from contextvars import ContextVar
from pathlib import Path

CONFIG: ContextVar[Path | None] = ContextVar("CONFIG", default=None)
"""The settings file that `towpath --config` named."""

WORKSPACE: ContextVar[str | None] = ContextVar("WORKSPACE", default=None)
"""The workspace that `--workspace` named."""
