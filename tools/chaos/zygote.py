"""A program that imports the portal once and forks a server for each command.

The import takes seconds, a fork only tenths of a second. The fork runs the same `serve` as `portal serve`, in a
separate process that can be killed.

The program reads one JSON command per line: `{"serve": {PORTAL_* variables}, "log": path}` returns the process id,
`{"wait": id}` the exit status, which is negative for a signal. It ends at the end of its input.
"""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Zygote:
    """The client of this program."""

    MODULE = "tools.chaos.zygote"

    def __init__(self) -> None:
        """Start the program, without waiting until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTEST_"))}
        self._program = subprocess.Popen(
            [sys.executable, "-m", self.MODULE],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def serve(self, log: Path, **variables: str) -> int:
        """Start a server with these PORTAL_* variables and its output in `log`; return its process id."""
        return self._ask({"serve": variables, "log": str(log)})

    def wait(self, process: int) -> int:
        """Wait for the end of a server; return its exit status."""
        return self._ask({"wait": process})

    def close(self) -> None:
        """End the program; the caller must end servers that still run."""
        self._program.communicate()

    def _ask(self, command: dict[str, Any]) -> int:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(command) + "\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())


def main() -> None:
    """Run the commands that stdin gives."""
    from portal.web import process  # the whole program; programs that only start it need not load it

    gc.freeze()
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            answer = os.waitstatus_to_exitcode(os.waitpid(command["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                serve(process, command["serve"], command["log"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def serve(process: Any, variables: dict[str, str], log: str) -> None:
    """Run a server in this process; never returns."""
    from portal.settings import settings

    os.environ.update(variables)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    status = 1
    try:
        process.serve(settings(), access_log=False)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001  # nothing may leave this function in a fork
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
