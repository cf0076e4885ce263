"""The browser that tests drive: the one that is there, else Debian's, which `make test` installs by this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGES = ("chromium", "fonts-wqy-microhei")
"""The font because Chinese is not measured truly without one."""
HELP = "The tests of pages need Chromium or Chrome: install one, or set CHROMIUM to its path."


def find_browser() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Debian's Chromium, as root or by a sudo that asks for nothing."""
    become_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not all(map(shutil.which, ("apt-get", *become_root[:1]))):
        sys.exit(HELP)
    print("installing the browser that tests drive", file=sys.stderr)
    for words in (("update",), ("install", "--yes", "--no-install-recommends", *PACKAGES)):
        argv = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *words]
        if subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode:
            sys.exit(HELP)


if __name__ == "__main__" and find_browser() is None:
    install()
