"""What the single file of the desktop program leaves out, and why it can.

`program.py` runs the program without these packages and notes which modules and files it uses; the build fails if one
of them is missing from the file.
"""

from pathlib import PurePosixPath

ENTRY = "portal.desktop.__main__"
"""The module that PyInstaller starts; in the file it is the script, not a module."""

LEFT_OUT_MODULES = (
    # the command line, and what only it needs
    "portal.cli",
    "portal.demo",
    "portal.imports",
    "typer",
    "rich",
    # PostgreSQL and Parquet; the desktop program has SQLite
    "psycopg",
    "psycopg_binary",
    "psycopg_pool",
    "pyarrow",
    "sqlalchemy.dialects.mssql",
    "sqlalchemy.dialects.mysql",
    "sqlalchemy.dialects.oracle",
    # the monthly report, which is administration
    "fpdf",
    "fontTools",
    "PIL",
    "defusedxml",
    # clients of socket.io, and servers that are not used
    "aiohttp",
    "aiosignal",
    "attr",
    "attrs",
    "frozenlist",
    "multidict",
    "propcache",
    "yarl",
    "wsproto",
    "simple_websocket",
    # uvicorn and NiceGUI try these and do without; one person needs no faster loop
    "uvloop",
    "watchfiles",
    "yaml",
    # elements of NiceGUI that no page uses
    "docutils",
    "matplotlib",
    "pandas",
    "plotly",
    "webview",
    # tools of Python and of builds
    "_distutils_hack",
    "distutils",
    "lib2to3",
    "pip",
    "pkg_resources",
    "pydoc_data",
    "setuptools",
    "test",
    "tkinter",
    "unittest",
)
"""Packages that are not in the file. The program must start and serve every page without them."""

UNUSED_ELEMENTS = (
    "aggrid",
    "anywidget",
    "codemirror",
    "echart",
    "joystick",
    "json_editor",
    "leaflet",
    "mermaid",
    "plotly",
    "scene",
    "xterm",
)
"""NiceGUI's elements with bundles of JavaScript; the portal draws charts with its own Plotly."""

_UNUSED_FILES = (
    *(f"nicegui/elements/{element}/**" for element in UNUSED_ELEMENTS),
    "nicegui/static/quasar.umd.js",  # these are for debugging
    "nicegui/static/quasar.important.css",
    "nicegui/static/quasar.unimportant.css",
    "nicegui/static/vue.esm-browser.js",
    "nicegui/static/sass.dart.js",  # for style sheets in Sass
    "nicegui/static/unocss/**",  # for styles with UnoCSS
    "nicegui/testing/**",
    "portal/exports/fonts/**",
    "**/*.pyi",
    "**/py.typed",
)
_LANGUAGES = ("root", "en", "de")
"""Babel's data of languages that stay: those of the catalogues, with their regions."""


_QT_LIBRARIES = (
    *("Core", "DBus", "Gui", "Network", "OpenGL", "Positioning", "PrintSupport", "Svg", "WaylandClient"),
    *("WaylandEglClientHwIntegration", "WebChannel", "WebEngineCore", "WebEngineWidgets", "Widgets", "XcbQpa"),
    *("Qml", "QmlMeta", "QmlModels", "QmlWorkerScript", "Quick", "QuickWidgets"),
    *("icudata", "icui18n", "icuuc"),
)
"""What QtWebEngine and the window load of Qt's libraries."""
_QT_PLUGINS = (
    *("iconengines", "platforms", "tls", "wayland-decoration-client", "wayland-graphics-integration-client"),
    *("wayland-shell-integration", "xcbglintegrations"),
)
_GTK = ("libgtk-3", "libgdk-3", "libgdk_pixbuf", "libcairo", "libpango", "libatk-bridge", "libepoxy")
"""Libraries of a theme of Qt that is left out."""


def is_module_wanted(name: str) -> bool:
    """Return whether a module may be in the single file."""
    return not any(name == left_out or name.startswith(f"{left_out}.") for left_out in LEFT_OUT_MODULES)


def is_file_wanted(name: str) -> bool:
    """Return whether a data file is in the single file; `name` is its path there: `babel/locale-data/fr.dat`."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.parent == PurePosixPath("babel/locale-data"):
        return path.stem.split("_")[0] in _LANGUAGES
    if path.parts[:2] == ("PySide6", "Qt"):
        return _is_qt_wanted(path)
    return not path.name.startswith(_GTK) and not any(_matches(path, pattern) for pattern in _UNUSED_FILES)


def _is_qt_wanted(path: PurePosixPath) -> bool:
    """Return whether the window needs a file of Qt: `PySide6/Qt/lib/libQt6Core.so.6`."""
    match path.parts[2]:
        case "lib":
            return path.name.removeprefix("lib").removeprefix("Qt6").partition(".")[0] in _QT_LIBRARIES
        case "plugins":
            return path.parts[3] in _QT_PLUGINS
        case "qml":
            return False
        case "translations":
            return path.stem in {"en-US", "en-GB", "de", "qtbase_de"}
    return path.name != "qtwebengine_devtools_resources.pak"


def _matches(path: PurePosixPath, pattern: str) -> bool:
    folder, star, _ = pattern.partition("/**")
    if star and not pattern.startswith("**"):
        return path.is_relative_to(folder)
    return path.match(pattern)
