"""What the build of the desktop program leaves out of its single file, and what it finds missing."""

import sysconfig
from pathlib import Path

import pytest

from tools.desktop_build.archive import ROOT, Archive
from tools.desktop_build.contents import is_file_wanted, is_module_wanted

PACKAGES = Path(sysconfig.get_path("purelib"))
ARCHIVE = Archive(
    frozenset({"portal.pages", "argon2"}),
    frozenset({"portal/static/icons.svg", "_cffi_backend.so", "python3.11/lib-dynload/_asyncio.so"}),
)


@pytest.mark.parametrize(
    ("name", "is_wanted"),
    [
        pytest.param("babel/locale-data/de_AT.dat", True, id="a language of the catalogues"),
        pytest.param("babel/locale-data/fr.dat", False, id="another language"),
        pytest.param("babel/global.dat", True, id="data of all languages"),
        pytest.param("nicegui/elements/plotly/dist/index.js", False, id="an element without pages"),
        pytest.param("nicegui\\elements\\plotly\\dist\\index.js", False, id="the same on Windows"),
        pytest.param("nicegui/elements/table.js", True, id="an element of pages"),
        pytest.param("nicegui/static/vue.esm-browser.js", False, id="a file for debugging"),
        pytest.param("nicegui/static/vue.esm-browser.prod.js", True, id="the file that pages load"),
        pytest.param("PySide6/Qt/lib/libQt6WebEngineCore.so.6", True, id="a library of the window"),
        pytest.param("PySide6/Qt/lib/libQt6Charts.so.6", False, id="another library of Qt"),
        pytest.param("PySide6/Qt/plugins/platforms/libqxcb.so", True, id="a plugin of the window"),
        pytest.param("PySide6/Qt/plugins/sqldrivers/libqsqlite.so", False, id="another plugin of Qt"),
        pytest.param("PySide6/Qt/libexec/QtWebEngineProcess", True, id="the program that draws pages"),
        pytest.param("portal/static/plotly/plotly-basic.min.js", True, id="the portal's own charts"),
    ],
)
def test_file_wanted(name: str, is_wanted: bool) -> None:
    assert is_file_wanted(name) is is_wanted


@pytest.mark.parametrize(
    ("name", "is_wanted"), [("yaml", False), ("yaml.loader", False), ("yamlish", True), ("portal.pages", True)]
)
def test_module_wanted(name: str, is_wanted: bool) -> None:
    assert is_module_wanted(name) is is_wanted


@pytest.mark.parametrize(
    ("name", "origin", "missing"),
    [
        pytest.param("argon2", PACKAGES / "argon2" / "__init__.py", [], id="a module in the archive"),
        pytest.param("_cffi_backend", PACKAGES / "_cffi_backend.so", [], id="a library in the archive"),
        pytest.param("_asyncio", Path("/usr/lib/lib-dynload/_asyncio.so"), [], id="a library of Python"),
        pytest.param(
            "bcrypt._bcrypt", PACKAGES / "bcrypt" / "_bcrypt.so", ["module bcrypt._bcrypt"], id="a lost library"
        ),
        pytest.param("argon2.low", PACKAGES / "argon2" / "low.py", ["module argon2.low"], id="a lost module"),
    ],
)
def test_module_missing(name: str, origin: Path, missing: list[str]) -> None:
    assert ARCHIVE.missing({name: str(origin)}, []) == missing


def test_module_without_a_file_is_not_missing() -> None:
    assert ARCHIVE.missing({"gc": None}, []) == []


@pytest.mark.parametrize(
    ("file", "missing"),
    [
        pytest.param(ROOT / "portal" / "static" / "icons.svg", [], id="a file in the archive"),
        pytest.param(ROOT / "portal" / "static" / "favicon.svg", ["file portal/static/favicon.svg"], id="a lost file"),
        pytest.param(ROOT / "portal" / "pages" / "__init__.py", [], id="the source of a module in the archive"),
        pytest.param(PACKAGES / "tzdata" / "zones", ["file tzdata/zones"], id="a lost file of a package"),
        pytest.param(Path("/etc/localtime"), [], id="a file of the system"),
        pytest.param(PACKAGES / "argon2" / "low.pyc", [], id="a compiled module"),
    ],
)
def test_file_missing(file: Path, missing: list[str]) -> None:
    assert ARCHIVE.missing({}, [str(file)]) == missing
