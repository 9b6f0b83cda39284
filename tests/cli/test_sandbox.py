"""`towpath sandbox`: what it prints is ready to paste."""

import shlex
import signal
import subprocess
import sys

import pytest


def test_its_settings_are_ready_to_paste() -> None:
    command = [sys.executable, "-m", "towpath.cli.main", "sandbox", "--port", "0", "--seed", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found: dict[str, str] = {}
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = shlex.split(line)[1].partition("=")
                found[name.removeprefix("TOWPATH_TIKTOK_")] = value
            if len(found) == 4:
                break
        process.terminate()
    assert set(found) == {"BASE_URL", "APP_ID", "APP_SECRET", "TOKEN"}
    assert found["BASE_URL"].startswith("http://127.0.0.1:")
    assert all(found.values())


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_even_started_with_sigint_ignored(ending: signal.Signals) -> None:
    """As a script's `towpath sandbox &` is."""
    ignoring = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    ignoring += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", ignoring, "-m", "towpath.cli.main", "sandbox", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("TikTok sandbox")
        process.send_signal(ending)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
