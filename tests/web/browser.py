"""The browser of the tests and pictures: Debian's Chromium, and how it is started."""

import os
import shutil
from pathlib import Path

NAMED = "TOWPATH_TEST_CHROMIUM"
REQUIRED = "TOWPATH_TEST_BROWSER"
HOW = "apt-get install chromium brings it; TOWPATH_TEST_CHROMIUM names another place."
FLAGS = [
    "--no-sandbox",  # root has no other way, as in CI
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


def chromium() -> str | None:
    """Where Chromium is, if it is."""
    if named := os.environ.get(NAMED):
        return named if Path(named).exists() else None
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)
