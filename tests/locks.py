"""Lock files: what they pin, how the Makefile installs them, and empty wheels in place of their packages."""

import ensurepip
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = (
    "requirements.lock",
    "requirements-test.lock",
    "requirements-gateway.lock",
    "requirements-desktop.lock",
    "requirements-desktop-qt.lock",
)

_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)(?: ; (.+?))?(?: \\)?$", re.MULTILINE)


def pins(lock: str) -> list[Requirement]:
    """Return what a lock file pins on this machine."""
    found = _PIN.findall((ROOT / lock).read_text(encoding="utf-8"))
    pinned = [Requirement(f"{name}=={version}" + (f"; {marker}" if marker else "")) for name, version, marker in found]
    return [pin for pin in pinned if pin.marker is None or pin.marker.evaluate()]


def version(pin: Requirement) -> str:
    """Return the release that a pin names."""
    return next(iter(pin.specifier)).version


def flags(lock: str) -> list[str]:
    """Return the options that the Makefile gives pip before the name of a lock file."""
    lines = re.findall(rf"((?:--[\w-]+ )*)-r {re.escape(lock)}$", _makefile(), re.MULTILINE)
    assert len(lines) == 1, f"the Makefile installs {lock} {len(lines)} times"
    return str(lines[0]).split()


def installed_files() -> set[str]:
    """Return the files of requirements that the Makefile names to pip."""
    return set(re.findall(r" (?:-r|--requirement)[ =](\S+)", _makefile()))


def missing(wanted: Iterable[str], lock: str, distributions: Iterable[Distribution]) -> set[str]:
    """Return what some requirements, and in turn all of theirs, ask for that a lock file does not pin.

    Markers and extras count. The requirements of a distribution are those of the installed release.
    """
    pinned = {canonicalize_name(pin.name): version(pin) for pin in pins(lock)}
    required = {canonicalize_name(found.name): found.requires or [] for found in distributions}
    waiting, seen, lacking = [(Requirement(text), "") for text in wanted], set[tuple[NormalizedName, str]](), set[str]()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in pinned or not requirement.specifier.contains(pinned[name], prereleases=True):
            lacking.add(f"{name}{requirement.specifier}")
            continue
        for asked in {"", *requirement.extras}:
            if (name, asked) not in seen:
                seen.add((name, asked))
                waiting += [(Requirement(text), asked) for text in required[name]]
    return lacking


def dry_run(lock: str, distributions: Iterable[Distribution], options: Iterable[str], directory: Path) -> set[str]:
    """Install a lock file that is one release old, in a dry run; return what would be there: {"nicegui==3.18.0", …}.

    All packages are empty wheels with the requirements of the real ones, each in the locked and a newer release.
    It runs the pip that this Python installs in a fresh environment.
    """
    requires = {canonicalize_name(found.name): found.requires or [] for found in distributions}
    lines = [
        f"{pin.name}=={version(pin)} --hash=sha256:{digest}" for pin, digest in _empty_wheels(lock, requires, directory)
    ]
    file = directory / lock
    file.write_text("\n".join(lines), encoding="utf-8")
    report = directory / "report.json"
    offline = ("--isolated", "--no-index", "--find-links", str(directory), "--ignore-installed", "--dry-run")
    command = [sys.executable, f"{bundled_pip()}/pip", "install", "--disable-pip-version-check", *offline, *options]
    done = subprocess.run([*command, "--report", report, "-r", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    would = (found["metadata"] for found in json.loads(report.read_text(encoding="utf-8"))["install"])
    return {f"{canonicalize_name(found['name'])}=={found['version']}" for found in would}


def locked(lock: str) -> set[str]:
    """Return what a lock file pins on this machine, in the same form."""
    return {f"{canonicalize_name(pin.name)}=={version(pin)}" for pin in pins(lock)}


def _empty_wheels(
    lock: str, requires: Mapping[NormalizedName, list[str]], directory: Path
) -> Iterator[tuple[Requirement, str]]:
    for pin in pins(lock):
        needs = requires[canonicalize_name(pin.name)]
        make_wheel(directory, pin.name, str(Version(version(pin)).major + 1), needs)
        yield pin, make_wheel(directory, pin.name, version(pin), needs)


def make_wheel(directory: Path, name: str, release: str, needs: Iterable[str]) -> str:
    """Make an empty wheel; return its digest."""
    stem = f"{re.sub(r'[-_.]+', '_', name)}-{release}"
    extras = sorted({extra for text in needs for extra in re.findall(r"extra == ['\"]([^'\"]+)", text)})
    metadata = [
        *("Metadata-Version: 2.1", f"Name: {name}", f"Version: {release}"),
        *(f"Provides-Extra: {extra}" for extra in extras),
        *(f"Requires-Dist: {text}" for text in needs),
    ]
    wheel = directory / f"{stem}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def bundled_pip() -> str:
    """Return the wheel of the pip that a fresh environment of this Python gets."""
    [wheel] = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    return str(wheel)


def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")
