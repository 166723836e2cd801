"""Imports point one way, so that every layer can be read, tested and replaced without those above it."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PORTAL = ROOT / "portal"
FILES = sorted(PORTAL.rglob("*.py"))

LAYERS = (
    {"rules", "clock", "version"},
    {"errors", "settings"},
    {"words", "system"},
    {"db", "mails", "channels"},
    {"views", "actions"},
    {"web.bodies", "web.visitors", "gateways", "backups", "exports"},
    {"pages", "api", "jobs", "imports", "demo"},
    {"web"},
    {"desktop"},
    {"cli"},
    {"__main__"},
)
"""From the lowest: a part may import itself and every layer below, but not its neighbours.

`web.visitors` and `web.bodies` are below the rest of `web`: pages and API ask them who is asking, and for how much.
"""

PARTS_INSIDE = {part for parts in LAYERS for part in parts if "." in part}

DOOR = {"portal.db.sql.session.in_transaction", "portal.db.sql.session.in_reading"}
"""All that pages may know of the database: how a view or an action is run on a thread."""


def imports(file: Path) -> set[str]:
    """Return the full names a file imports, wherever in it: `portal.db.sql.session.in_reading`."""
    package = file.relative_to(ROOT).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            names.update(".".join(filter(None, (*above, node.module, alias.name))) for alias in node.names)
    return names


def reaches(file: Path, modules: set[str]) -> set[str]:
    """Return what a file imports of these modules or from inside them."""
    return {name for name in imports(file) if any(f"{name}.".startswith(f"{module}.") for module in modules)}


def part_of(module: str) -> str:
    """Return the part a module is in: `rules` for `rules.spending.budgets.level`, `web.visitors` for itself."""
    return next((part for part in PARTS_INSIDE if f"{module}.".startswith(f"{part}.")), module.partition(".")[0])


def part(file: Path) -> str:
    """Return the part a file is in: `rules` for portal/rules/spending/budgets.py, `clock` for portal/clock.py."""
    return part_of(".".join(file.relative_to(PORTAL).with_suffix("").parts))


def files_of(name: str) -> list[Path]:
    return [file for file in FILES if part(file) == name]


def layer(name: str) -> int:
    """Return the number of a part's layer, the lowest is 0."""
    for height, parts in enumerate(LAYERS):
        if name in parts:
            return height
    raise AssertionError(f"portal/{name} is new: give it a place in LAYERS")


def every(files: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", files, ids=lambda file: file.relative_to(PORTAL).as_posix())


@every([file for file in FILES if file != PORTAL / "__init__.py"])
def test_imports_point_down(file: Path) -> None:
    own = part(file)
    height = layer(own)
    parts = {part_of(name.partition(".")[2]) for name in reaches(file, {"portal"}) if "." in name}
    upward = {name for name in parts - {own} if not name.startswith("__") and layer(name) >= height}
    assert upward == set()


@every(files_of("rules"))
def test_rules_import_the_standard_library_only(file: Path) -> None:
    foreign = {name for name in imports(file) if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign - reaches(file, {"portal.rules"}) == set()


@every(files_of("pages"))
def test_pages_speak_no_sql(file: Path) -> None:
    assert reaches(file, {"sqlalchemy", "alembic", "portal.db"}) - DOOR == set()


@every(files_of("jobs") + files_of("api"))
def test_jobs_and_api_use_views_and_actions_only(file: Path) -> None:
    assert reaches(file, {"portal.db"}) - reaches(file, {"portal.db.sql.session"}) == set()


@every(files_of("cli"))
def test_commands_use_views_and_actions_and_open_databases(file: Path) -> None:
    assert reaches(file, {"portal.db"}) - reaches(file, {"portal.db.sql"}) == set()


@every(sorted((PORTAL / "db" / "migrations").rglob("*.py")))
def test_migrations_import_nothing_from_portal(file: Path) -> None:
    assert reaches(file, {"portal"}) == set()


@pytest.mark.parametrize("name", ["rules", "db", "views", "actions", "pages", "api"])
def test_there_is_something_to_check(name: str) -> None:
    assert len(files_of(name)) > 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import a.b as c", {"a.b"}, id="a module"),
        pytest.param("from portal.db import tables", {"portal.db.tables"}, id="a name from a package"),
        pytest.param("def f():\n    from portal import version", {"portal.version"}, id="inside a function"),
        pytest.param("from . import tables", {"portal.rules.tables"}, id="a neighbour"),
        pytest.param(
            "from ..db.spending.budgets import limits", {"portal.db.spending.budgets.limits"}, id="a relative"
        ),
    ],
)
def test_no_import_is_overlooked(
    source: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "portal" / "rules" / "sample.py"
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    assert imports(file) == expected
