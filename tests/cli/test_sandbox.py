"""`towpath sandbox`: what it prints is ready to paste."""

import shlex
import subprocess
import sys


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
