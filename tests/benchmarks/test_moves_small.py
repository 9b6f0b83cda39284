"""The moves bench, small: all are counted where they should be, and every figure is printed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {"seconds", "cpu_seconds", "wal_mb"}


@pytest.mark.skipif(sys.platform != "linux", reason="CPU is read from Linux' /proc")
def test_nobody_is_lost_and_figures_are_printed() -> None:
    program = str(ROOT / "benchmarks" / "moves.py")
    few = ["--people", "30000", "--events", "600", "--small-waves", "50", "--leavers", "40"]
    command = [sys.executable, program, *few, "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for order in ("numbers", "random"):
        assert told[f"moving, {order}"].keys() == FIGURES | {"waves"}
        assert told[f"leaving, {order}"]["next_wal_mb"] >= 0
    assert told["moving, random"]["waves"] == 3
    assert told["acting, waves of 600"]["waves"] == 50
    assert told["acting, waves of 600"]["events_per_second"] > 0
    assert told["yardstick_cpu_ratio"] > 1
