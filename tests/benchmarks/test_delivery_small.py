"""The delivery bench, small: the right keys reach the sink, and every figure is printed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = {
    "people",
    "people_per_second",
    "cpu_seconds_per_million",
    "peak_rss_mb",
    "wal_mb",
    "yardstick_cpu_ratio",
}


@pytest.mark.skipif(sys.platform != "linux", reason="CPU is read from Linux' /proc")
def test_everybody_is_delivered_once_and_figures_are_printed() -> None:
    program = str(ROOT / "benchmarks" / "delivery.py")
    command = [sys.executable, program, "--people", "20000", "--json"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert {name for name in FIGURES if told[name] > 0} == FIGURES
    assert told["same"] is True
    assert told["expected"] == told["received"]
    assert told["people"] == told["expected"]["rows"]["count"] > 19_000
    assert told["requests"] == 2
