import re
from pathlib import Path

import pytest

from portal.pages.components.assets import JOINED, content

PAGES = Path(__file__).parents[3] / "portal" / "pages"
FOREIGN = re.compile(
    r"q-|nicegui-|hidden$|js-plotly-plot$|main-svg$|annotation$|\w+layer$|xlines-above$|points?$|trace$|hovertext$"
)
"""Classes that Quasar, NiceGUI and Plotly give to their elements."""


def code() -> str:
    return "\n".join(file.read_text("utf-8") for file in PAGES.rglob("*") if file.suffix in {".py", ".html", ".js"})


def selectors(sheet: str) -> str:
    """Return a stylesheet without comments, strings and declarations."""
    return re.sub(r"/\*.*?\*/|\"[^\"]*\"|\{[^{}]*\}", " ", sheet, flags=re.DOTALL)


def is_used(name: str, used: str) -> bool:
    """Return whether code names a class, or the part before a placeholder: `mp-msg--{kind}`."""
    starts = [name[:end] for end in range(4, len(name))]
    return bool(re.search(rf"(?<![\w-]){name}(?![\w-])", used)) or any(f"{start}{{" in used for start in starts)


@pytest.mark.parametrize("suffix", [".css", ".js"])
def test_every_style_and_script_is_served(suffix: str) -> None:
    joined = [part for parts in JOINED.values() for part in parts if part.endswith(suffix)]
    loaded_by_nicegui = re.findall(r'\bcomponent="([\w.]+)"', code())
    there = {file.relative_to(PAGES).as_posix() for file in PAGES.rglob(f"*{suffix}")}
    assert sorted(joined) == sorted(name for name in there if Path(name).name not in loaded_by_nicegui)


def test_every_class_with_a_style_is_used() -> None:
    styled = set(re.findall(r"\.([a-zA-Z_][\w-]*)", selectors(content("portal.css").decode())))
    assert len(styled) > 200
    used = code()
    assert sorted(name for name in styled if not FOREIGN.match(name) and not is_used(name, used)) == []
