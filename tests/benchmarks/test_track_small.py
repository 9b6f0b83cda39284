"""The track bench, small: everything that was answered is stored, and every figure is printed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {
    "objects_per_second",
    "call_p99_ms",
    "cpu_seconds_per_million",
    "peak_rss_mb",
    "wal_mb_per_million",
    "yardstick_ratio",
}


@pytest.mark.skipif(sys.platform != "linux", reason="CPU is read from Linux' /proc")
def test_everything_answered_is_stored_and_figures_are_printed(tmp_path: Path) -> None:
    picture = tmp_path / "track.png"
    program = str(ROOT / "benchmarks" / "track.py")
    shape = ["--people", "2000", "--calls", "40", "--plot", str(picture), "--json"]
    command = [sys.executable, program, *shape]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert {name for name in FIGURES if told[name] > 0} == FIGURES
    assert told["same"] is True
    assert told["objects"] == 3_000
    assert picture.stat().st_size > 10_000
