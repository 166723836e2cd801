"""`python main.py` = `portal serve`."""

import sys

from portal.cli import app

if __name__ == "__main__":
    app(["serve", *sys.argv[1:]], prog_name="portal")
