"""Build the single file of the desktop program: `python -m tools.desktop_build [--qt]`.

First the program runs from its source and notes what it uses; then PyInstaller builds; then the two are compared. A
file that misses a module or a data file, or is too large, is removed again, and the exit status is 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.desktop_build.archive import ROOT, read_archive
from tools.desktop_build.visitor import Visitor

LARGEST_MIB = {"moe-portal": 40, "moe-portal-qt": 200}
SPEC = ROOT / "packaging" / "moe-portal.spec"
_MIB = 1024 * 1024


def main() -> int:
    """Build; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.desktop_build", description=__doc__.partition("\n")[0])
    parser.add_argument("--qt", action="store_true", help="with a window of its own")
    variant = ["--qt"] if parser.parse_args().qt else []
    name = "moe-portal-qt" if variant else "moe-portal"
    step(f"Building dist/{name} with PyInstaller, and running its source to see what it uses …")
    folders = ["--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build" / name)]
    pyinstaller = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", *folders, str(SPEC)]
    with subprocess.Popen([*pyinstaller, "--", *variant], cwd=ROOT) as building:
        used = record(has_qt=bool(variant))
        if building.wait():
            return 1
    built = ROOT / "dist" / (f"{name}.exe" if sys.platform == "win32" else name)
    complaints = faults(built, used, LARGEST_MIB[name])
    if complaints:
        built.unlink()
        sys.stderr.write("\n".join([f"The file was removed, since it is not right: {name}", *complaints, ""]))
        return 1
    step(
        f"dist/{built.name}: {built.stat().st_size / _MIB:.1f} MiB, {len(used['modules'])} modules in use, none missing"
    )
    return 0


def step(sentence: str) -> None:
    """Print what happens."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def record(*, has_qt: bool = False) -> dict[str, Any]:
    """Run the program from its source with a visitor; return the modules and the files that it used."""
    with tempfile.TemporaryDirectory() as folder:
        used, data = Path(folder, "used.json"), Path(folder, "data")
        program = [sys.executable, "-m", "tools.desktop_build.program", str(used), "--no-window", "--data", str(data)]
        program += ["--with-qt"] if has_qt else []
        german = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "LC_"))}
        german |= {"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "PORTAL_LOG_LEVEL": "error"}
        with subprocess.Popen(
            program, cwd=ROOT, env=german, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            assert running.stdin is not None
            address = running.stdout.readline().split()[-1]
            ticket = running.stdout.readline().partition(" ")[2].strip()
            visitor = Visitor(address, Path(ticket))
            visitor.report(new_token(data))
            visitor.open_everything()
            running.stdin.close()
            status = running.wait()
        if status or visitor.failures():
            raise SystemExit(f"The program ended with status {status}; wrong answers: {visitor.failures()}")
        found: dict[str, Any] = json.loads(used.read_text(encoding="utf-8"))
        return found


def new_token(data: Path) -> str:
    """Return the token of a new gateway."""
    command = [sys.executable, "-m", "portal", "--quiet", "gateway", "create", "record"]
    environment = os.environ | {"PORTAL_DATA_DIR": str(data)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def faults(built: Path, used: dict[str, Any], largest: int) -> list[str]:
    """Return the faults of a single file: what it misses, and a size above `largest` MiB."""
    size = built.stat().st_size / _MIB
    too_large = [f"{size:.1f} MiB is more than {largest}"] if size > largest else []
    return [f"missing: {each}" for each in read_archive(built).missing(used["modules"], used["files"])] + too_large


if __name__ == "__main__":
    sys.exit(main())
