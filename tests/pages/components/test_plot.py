"""The library that draws charts is an unchanged release with its licence."""

import hashlib

from portal.pages.components.assets import STATIC
from tests.portals import ROOT

PLOTLY = STATIC / "plotly"


def test_plotly_is_the_release_named_in_contributing() -> None:
    library = (PLOTLY / "plotly-basic.min.js").read_bytes()
    assert library.startswith(b"/**\n* plotly.js (basic - minified) v3.7.0\n")
    assert hashlib.sha256(library).hexdigest() == "c23b03591a6bdad0bd0f47a0c5c52305a5519812b73ce254be65cd841553c9c2"
    assert "`plotly.js-basic-dist-min` 3.7.0" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_plotly_has_its_licence_beside_it() -> None:
    licence = (PLOTLY / "LICENSE").read_text(encoding="utf-8")
    assert licence.startswith("MIT License\n\nCopyright (c) 2016-2024 Plotly Technologies Inc.\n")
