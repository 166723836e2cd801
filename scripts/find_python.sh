#!/bin/sh
# Print a Python that can set up the portal: $PYTHON, else the first 3.11 or newer on PATH that can make a venv.
# Each one is run, not only looked up: a version manager leaves names on PATH that only print an error.
lame=
for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 </dev/null || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null; then
        command -v "$name"
        exit 0
    fi
    lame=${lame:-$name}
done
if [ -n "$lame" ]; then
    echo "$lame cannot make virtual environments: its modules venv and ensurepip are missing." >&2
    echo "Debian and Ubuntu have them in a package of their own: apt-get install python3-venv" >&2
else
    echo "MoE Portal needs Python 3.11 or newer; looked for: ${PYTHON:-python3.13, python3.12, python3.11, python3}." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.13" >&2
fi
exit 1
