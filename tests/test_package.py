"""What people install: the source archive is complete, and the wheel made from it serves a portal anywhere."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path
from venv import EnvBuilder

import httpx
import pytest

from portal.pages.admin.snippets import GATEWAYS, Values
from portal.pages.components.assets import JOINED, content
from tests.portals import ROOT, Process

STATIC = ROOT / "portal" / "static"
STATIC_FILES = sorted(file for file in STATIC.rglob("*") if file.is_file())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = f"moe_portal-{PROJECT['version']}"
DEPENDENCIES = Path(sysconfig.get_path("purelib"))
OF_EXTRAS = {"psycopg", "psycopg-binary", "psycopg-pool", "pyarrow"}
POSTGRES = "postgresql://nobody:hidden@127.0.0.1:1/none"
JUNK = ("__pycache__", ".pyc", ".sqlite3", ".cache", ".venv", "/secret", ".log")


def build(source: Path, target: str, into: Path) -> Path:
    """Build with the build tool that set-up installed; return what was built."""
    program = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    subprocess.run(program, cwd=source, check=True, capture_output=True)
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, unpacked."""
    packed = build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(packed) as archive:
        archive.extractall(unpacked, filter="data")
    return unpacked / BUILT


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source archive alone."""
    return build(sdist, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment with the wheel; what it depends on is that of the tests."""
    return environment(tmp_path_factory.mktemp("environment"), DEPENDENCIES, wheel)


@pytest.fixture(scope="module")
def without_extras(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `installed`, where the packages of the extras are missing."""
    there = tmp_path_factory.mktemp("dependencies")
    missing = {module for module, names in packages_distributions().items() if set(names) & OF_EXTRAS}
    for part in DEPENDENCIES.iterdir():
        if part.name.split(".")[0] not in missing:
            (there / part.name).symlink_to(part)
    return environment(tmp_path_factory.mktemp("without-extras"), there, wheel)


def environment(place: Path, dependencies: Path, wheel: Path) -> Path:
    """Make a new environment with the wheel; return the folder of its programs."""
    EnvBuilder(symlinks=True).create(place)
    own = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
    # A .pth in a folder that is itself named by a .pth is not read, so that the checkout stays out of it.
    (Path(own) / "dependencies.pth").write_text(str(dependencies), encoding="utf-8")
    pip_install(place / "bin" / "python", str(wheel))
    return place / "bin"


def pip_install(python: Path, requirement: str, cwd: Path | None = None) -> str:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps"]
    done = subprocess.run(
        [*pip, "--ignore-installed", requirement], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return message_from_string(archive.read(f"{BUILT}.dist-info/METADATA").decode("utf-8"))


def test_source_archive_has_exactly_the_tracked_files(sdist: Path) -> None:
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml", "main.py"):
        assert (sdist / name).is_file(), name
    for folder in ("portal", "tests", "tools", "docs", "examples", "scripts"):
        kept = {str(file.relative_to(sdist)) for file in (sdist / folder).rglob("*") if file.is_file()}
        assert kept == {file for file in tracked(folder) if (ROOT / file).is_file()}, folder
    assert not (sdist / "data").exists()
    assert [file for file in sdist.rglob("*") if str(file).endswith(JUNK)] == []


def tracked(folder: str) -> set[str]:
    """Return the files of a folder that are no junk: in git, or new and not ignored."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    return set(subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")) - {""}


def test_wheel_has_the_whole_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert files == {file for file in tracked("portal") if (ROOT / file).is_file()}
    assert "portal/py.typed" in files


def test_wheel_has_its_metadata(wheel: Path) -> None:
    fields = metadata(wheel)
    assert fields["Description-Content-Type"] == "text/markdown"
    assert str(fields.get_payload()).startswith("# MoE Portal\n")
    assert (fields["Requires-Python"], fields["License-Expression"]) == (PROJECT["requires-python"], "MIT")
    assert fields.get_all("License-File") == ["LICENSE"]
    assert "Typing :: Typed" in fields.get_all("Classifier", [])
    assert set(fields.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("words", [["portal"], ["moe-portal"], ["python", "-m", "portal"]], ids=" ".join)
def test_installed_commands_answer(words: list[str], installed: Path, tmp_path: Path) -> None:
    def output(option: str) -> str:
        program = [str(installed / words[0]), *words[1:], option]
        return subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert output("--version") == f"MoE Portal {PROJECT['version']}\n"
    assert output("--help").startswith("Usage: portal [OPTIONS] COMMAND")


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The installed portal, started in an empty folder."""
    portal = Process(tmp_path_factory.mktemp("empty"), installed / "portal", "serve", python=installed / "python")
    yield portal
    portal.stop()


def test_installed_portal_serves_its_pages_on_a_new_database(served: Process) -> None:
    link = served.wait_for(r"(http://\S+/user/setup\?token=\S+)")
    address = served.address()
    assert "administrator" in httpx.get(link).text
    assert httpx.get(f"{address}/readyz").status_code == 200
    assert httpx.get(f"{address}/user/login").status_code == 200
    assert (served.data / "portal.sqlite3").is_file()


@pytest.mark.parametrize("file", STATIC_FILES, ids=lambda file: file.name)
def test_installed_portal_serves_every_static_file(file: Path, served: Process) -> None:
    address = f"{served.address()}/static/{file.relative_to(STATIC).as_posix()}"
    assert httpx.get(address).content == file.read_bytes()


@pytest.mark.parametrize("name", JOINED)
def test_installed_portal_serves_every_joined_file(name: str, served: Process) -> None:
    assert httpx.get(f"{served.address()}/static/{name}").content == content(name)


def test_installed_portal_has_what_its_snippets_fetch(served: Process) -> None:
    address = served.address()
    shown = "".join(part.text(Values(address)) for kind in GATEWAYS.values() for part in kind.parts)
    assert f"curl -o portal_auth.py {address}/static/portal_auth.txt" in shown
    hook = httpx.get(f"{address}/static/portal_auth.txt").text
    assert hook == (ROOT / "examples" / "litellm" / "portal_auth.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("extra", ["postgres", "parquet"])
def test_extra_is_installed_as_messages_say(extra: str, wheel: Path, installed: Path) -> None:
    """The wheel by its bare name, with the extra behind it."""
    assert "Successfully installed moe-portal" in pip_install(
        installed / "python", f"{wheel.name}[{extra}]", cwd=wheel.parent
    )


@pytest.mark.parametrize(
    ("words", "setting", "extra"),
    [
        pytest.param("serve", "PORTAL_DATABASE_URL", "postgres", id="the database of serve"),
        pytest.param("user list", "PORTAL_DATABASE_URL", "postgres", id="the database of another command"),
        pytest.param("demo", "PORTAL_DATABASE_URL", "postgres", id="the database of the demo"),
        pytest.param("import moe-sovereign", "PORTAL_IMPORT_URL", "postgres", id="an import"),
        pytest.param("follow moe-sovereign", "PORTAL_IMPORT_URL", "postgres", id="an import that goes on"),
        pytest.param("import usage usage.parquet", "", "parquet", id="a file"),
    ],
)
def test_missing_extra_is_a_sentence_with_the_way_out(
    words: str, setting: str, extra: str, without_extras: Path, tmp_path: Path
) -> None:
    environment = {**without_portal(), "PORTAL_PORT": "0", **({setting: POSTGRES} if setting else {})}
    portal = [str(without_extras / "portal")]
    if setting != "PORTAL_DATABASE_URL":
        make_database(without_extras, tmp_path)
    (tmp_path / "usage.parquet").write_bytes(b"PAR1 cut short PAR1")
    done = subprocess.run(
        [*portal, *words.split()], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"pip install '.[{extra}]' in a checkout, or pip install 'moe_portal-" in done.stderr
    for unwanted in ("Traceback", "No module named", "hidden"):
        assert unwanted not in done.stderr + done.stdout


def make_database(programs: Path, folder: Path) -> None:
    portal = Process(folder, programs / "portal", "serve", python=programs / "python")
    portal.address()
    portal.stop()


def test_installed_portal_does_not_run_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = [str(installed / "python"), "-c", "import portal; print(portal.__file__)"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True, env=without_portal())
    assert str(installed.parent) in done.stdout


def without_portal() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTHON"))}
