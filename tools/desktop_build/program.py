"""Run the desktop program from its source and write what it used: {"modules": {name: path}, "files": [path, ...]}.

`python -m tools.desktop_build.program USED.json [--with-qt] ARGUMENTS…` ends when its standard input ends. The
packages that the single file leaves out cannot be imported, as in the file.
"""

import importlib.abc
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.desktop_build.contents import is_module_wanted


class LeftOut(importlib.abc.MetaPathFinder):
    """Hides the packages that are not in the file."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # Python defines the arguments
        target: ModuleType | None = None,  # noqa: ARG002  # the same
    ) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for a package that is left out."""
        if not is_module_wanted(name):
            raise ModuleNotFoundError(f"{name} is not in the file", name=name)
        return None


class Reads:
    """An audit hook that notes the files which the process reads."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note a file that is opened for reading."""
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            mode = str(arguments[1] or "r")
            if not set(mode) & set("wxa+"):
                self.files.add(os.fsdecode(arguments[0]))


def main() -> int:
    """Run the program; return its exit status."""
    used, *arguments = sys.argv[1:]
    before = set(sys.modules)
    reads = Reads()
    sys.addaudithook(reads)
    sys.meta_path.insert(0, LeftOut())
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.argv = ["moe-portal", *arguments]
    try:
        if "--with-qt" in sys.argv:
            sys.argv.remove("--with-qt")
            import_module("portal.desktop.qt")
        from portal.desktop.__main__ import main as run

        return run()
    finally:
        modules = {name: _origin(module) for name, module in list(sys.modules.items()) if name not in before}
        found = {"modules": modules, "files": sorted(reads.files)}
        Path(used).write_text(json.dumps(found), encoding="utf-8")


def _origin(module: ModuleType) -> str | None:
    """Return the file of a module; None for those in the interpreter, of namespaces, or made while the program runs."""
    spec = getattr(module, "__spec__", None)
    origin = spec.origin if spec is not None and spec.has_location else None
    return origin if origin and Path(origin).exists() else None


def _end_with_input() -> None:
    sys.stdin.read()
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGTERM)
    else:
        signal.pthread_kill(main_thread, signal.SIGTERM)  # which waits for it


if __name__ == "__main__":
    sys.exit(main())
