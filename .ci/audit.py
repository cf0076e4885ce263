"""Checks the pinned packages for known vulnerabilities; what could not be asked is said, what was found fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

AUDIT = (
    "--disable-pip",
    "--require-hashes",
    "--timeout",
    "10",
    "--progress-spinner",
    "off",
    "--format",
    "json",
)


def audit(files: list[str]) -> list[dict[str, Any]] | None:
    """Return what the advisory service says of each package; None when it was not reached."""
    argv = [sys.executable, "-m", "pip_audit", *AUDIT]
    for file in files:
        argv += ["--requirement", file]
    said = subprocess.run(argv, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(said.stdout)["dependencies"]
    except ValueError:
        print(said.stderr.strip().splitlines()[-1] if said.stderr.strip() else "pip-audit said nothing")
        return None
    return packages


def main(files: list[str]) -> int:
    """Print the result; return 1 when a package has a known vulnerability."""
    packages = audit(files)
    if packages is None:
        print("audit: NOT DONE, the advisory service was not reached")
        return 0
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    found = [package for package in packages if package.get("vulns")]
    for package in found:
        for one in package["vulns"]:
            print(
                f"{package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions'])}"
            )
    if skipped:
        print(
            f"audit: NOT DONE for {len(skipped)} of {len(packages)} packages, the service does not know them"
        )
    print(f"audit: {len(found)} of {len(packages) - len(skipped)} packages have known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
