"""The files beside the desktop program: entry of the menu, metadata, installation for a user, release workflow."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from portal.system.folders import NAME
from tests.test_house import PROJECT, ROOT, makefile_targets, read

ENTRY = "packaging/moe-portal.desktop"
METADATA = "packaging/org.moe_portal.moe_portal.metainfo.xml"
WORKFLOW = ".github/workflows/release.yml"


def keys(entry: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in entry.splitlines() if "=" in line)


def test_menu_entry_has_the_name_of_the_window() -> None:
    found = keys(read(ENTRY))
    assert {found[key] for key in ("Exec", "Icon", "StartupWMClass")} == {NAME}


def test_metadata_has_the_released_version() -> None:
    component = ElementTree.fromstring(read(METADATA))  # noqa: S314  # a file of this repository
    assert next(release.get("version") for release in component.iter("release")) == PROJECT["project"]["version"]
    assert component.findtext("launchable") == Path(ENTRY).name
    assert component.findtext("project_license") == PROJECT["project"]["license"]


def test_workflow_makes_targets_that_exist() -> None:
    targets = re.findall(r"\bmake ([a-z][a-z-]*)", re.sub(r"#.*", "", read(WORKFLOW)))
    assert set(targets) - {"python"} <= makefile_targets()
    assert "requirements-desktop.lock" in read(WORKFLOW)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout with a built file."""
    clone = tmp_path / "clone"
    for name in ("scripts/install_desktop.sh", ENTRY, METADATA, "portal/static/favicon.svg"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes((ROOT / name).read_bytes())
    (clone / "dist").mkdir()
    (clone / "dist" / "moe-portal").write_text("#!/bin/sh\necho installed\n", encoding="utf-8")
    return clone


def run(clone: Path, *words: str) -> None:
    subprocess.run(["sh", "scripts/install_desktop.sh", *words], cwd=clone, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", ["local", "with a space & 50% | more"])
def test_installed_entry_starts_the_program(clone: Path, tmp_path: Path, name: str) -> None:
    prefix = tmp_path / name
    run(clone, "install", str(prefix))
    entry = (prefix / "share/applications/moe-portal.desktop").read_text(encoding="utf-8")
    assert keys(entry)["Exec"].replace("%%", "%") == f'"{prefix}/bin/moe-portal"'
    assert subprocess.check_output([prefix / "bin/moe-portal"]) == b"installed\n"
    assert (prefix / "share/icons/hicolor/scalable/apps/moe-portal.svg").is_file()


def test_uninstall_leaves_other_files(clone: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "local"
    run(clone, "install", str(prefix))
    other = prefix / "bin" / "other"
    other.touch()
    run(clone, "uninstall", str(prefix))
    kept = [file for file in prefix.rglob("*") if file.is_file() and file.name != "mimeinfo.cache"]
    assert kept == [other]
