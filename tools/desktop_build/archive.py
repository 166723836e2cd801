"""Compare what the running program used with the contents of a single file that PyInstaller has made."""

import io
import re
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.desktop_build.contents import ENTRY

ROOT = Path(__file__).parents[2]
_NOT_NEEDED = re.compile(r"\.pyc$|\.dist-info/entry_points\.txt$|^portal/.*/__pycache__/")


@dataclass(frozen=True, slots=True)
class Archive:
    """The modules and the files of a single file; files have forward slashes."""

    modules: frozenset[str]
    files: frozenset[str]

    def missing(self, modules: Mapping[str, str | None], files: Sequence[str]) -> list[str]:
        """Return what a program used and the archive does not have.

        `modules` has the file of each module, None for those without; `files` are the paths of files that were read.
        """
        lost = {f"module {name}" for name, origin in modules.items() if origin and not self._has_module(name, origin)}
        inside = filter(None, map(path_inside, files))
        lost |= {f"file {file}" for file in inside if not _NOT_NEEDED.search(file) and not self._has_file(file)}
        return sorted(lost)

    def _has_module(self, name: str, origin: str) -> bool:
        library = f"lib-dynload/{Path(origin).name}"
        return (
            name in self.modules
            or name in {ENTRY, "__main__", "__mp_main__"}
            or path_inside(origin) in self.files
            or any(file.endswith(library) for file in self.files)
        )

    def _has_file(self, file: str) -> bool:
        path = PurePosixPath(file)
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        return file in self.files or (path.suffix == ".py" and (name in self.modules or name == ENTRY))


def path_inside(file: str) -> str | None:
    """Return where a file of the portal or of a package is in the single file; None for other files."""
    for folder, prefix in (
        (ROOT / "portal", "portal"),
        (sysconfig.get_path("purelib"), ""),
        (sysconfig.get_path("platlib"), ""),
    ):
        if Path(file).is_relative_to(folder):
            return PurePosixPath(prefix, Path(file).relative_to(folder).as_posix()).as_posix()
    return None


def read_archive(path: Path) -> Archive:
    """Return the contents of a single file."""
    from PyInstaller.archive.readers import CArchiveReader  # installed only where the file is built

    reader = CArchiveReader(str(path))
    files = {name.replace("\\", "/") for name in reader.toc}
    modules = set(reader.open_embedded_archive("PYZ.pyz").toc) | {name for name in files if "/" not in name}
    if "base_library.zip" in files:
        with zipfile.ZipFile(io.BytesIO(reader.extract("base_library.zip"))) as library:
            modules |= {_module(name) for name in library.namelist()}
    return Archive(frozenset(modules), frozenset(files))


def _module(name: str) -> str:
    return name.removesuffix(".pyc").replace("/", ".").removesuffix(".__init__")
