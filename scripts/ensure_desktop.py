"""Find what `make desktop-test` needs beside Python: a screen, a window manager, a browser, Qt's libraries, validators.

As root on Debian and its relatives, missing packages are installed; elsewhere the script lists them and fails.
"""

import ctypes.util
import os
import shutil
import subprocess
import sys

PROGRAMS = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "wmctrl": "wmctrl",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "chromium": "chromium",
    "unshare": "util-linux",
    "objdump": "binutils",
    "appstreamcli": "appstream",
    "desktop-file-validate": "desktop-file-utils",
}
"""Programs by their names on PATH, each with the Debian package that has it."""
LIBRARIES = {
    "xcb-cursor": "libxcb-cursor0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-image": "libxcb-image0",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-render-util": "libxcb-render-util0",
    "EGL": "libegl1",
    "OpenGL": "libopengl0",
    "nss3": "libnss3",
    "asound": "libasound2",
    "Xcomposite": "libxcomposite1",
    "Xdamage": "libxdamage1",
    "Xtst": "libxtst6",
}
"""Libraries that Qt loads, each with the Debian package that has it."""


def missing() -> dict[str, str]:
    """Return the programs and libraries that are not here, with their packages."""
    programs = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    libraries = {f"lib{name}": package for name, package in LIBRARIES.items() if not ctypes.util.find_library(name)}
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if sys.base_prefix == "/usr" and not ctypes.util.find_library(python):
        libraries[f"lib{python}"] = f"lib{python}"  # PyInstaller puts it into the file
    return programs | libraries


def main() -> int:
    """Install the missing ones; return 1 if something still is."""
    lacking = missing()
    if lacking and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        packages = sorted(set(lacking.values()))
        print(f"Installing {', '.join(packages)} …", flush=True)
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
        lacking = missing()
    if lacking:
        print(f"make desktop-test needs: {', '.join(lacking)}", file=sys.stderr)
        print(f"Debian has them in the packages {' '.join(sorted(set(lacking.values())))}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
