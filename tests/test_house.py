"""What is declared, locked, documented and offered is the same everywhere; sizes and words follow CONTRIBUTING.md."""

import ast
import io
import re
import subprocess
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-desktop.lock", "requirements-desktop-qt.lock")

WORDS = re.compile(
    r"(?<![a-z])(said|told|anew|brings?(?!_to_front)|bringing|brought|stands?|stood|mend(s|ed|ing)?|heed(s|ed|ing)?|likewise|"
    r"of late|held to|lest|upon|shall|ought|newcomers?)(?![a-z])",
    re.IGNORECASE,
)
"""Words that are not used: people who read this learned English as a second language."""
PHRASES = re.compile(r"\b(whose|what is|one that)\b", re.IGNORECASE)
"""Not used in docstrings and comments."""
FILLERS = {
    *("a", "an", "and", "are", "as", "be", "by", "create", "do", "does", "for", "from", "get", "give", "in", "is"),
    *("it", "its", "of", "on", "or", "return", "set", "the", "to", "with"),
}
"""Words that add nothing to a name."""

LONGEST_MODULE = 350
MOST_FILES = 25
LONGEST_TEST_NAME = 60


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def names(requirements: list[str]) -> set[str]:
    """Return the bare names of requirements: `psycopg` for `psycopg[binary,pool]>=3.3,<4`."""
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", read(lock), re.MULTILINE))


EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
BASE = names(PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"])
FREEZE = names(PROJECT["dependency-groups"]["freeze"])
DECLARED = {
    LOCKS[0]: BASE | names(EXTRAS["postgres"] + EXTRAS["parquet"] + EXTRAS["chat"]),
    LOCKS[1]: BASE | names(EXTRAS["postgres"] + EXTRAS["parquet"] + EXTRAS["chat"] + EXTRAS["test"]),
    LOCKS[2]: BASE | FREEZE,
    LOCKS[3]: BASE | FREEZE | names(EXTRAS["desktop"]),
}
EVERYTHING = BASE.union(FREEZE, *(names(extra) for extra in EXTRAS.values()))


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(r"\w+://|\bfile:", id="an address"),
        pytest.param(r"(?<![\w.])~?/\w|\b[A-Za-z]:\\", id="an absolute path"),
        pytest.param(r"^\s*--(?!hash=sha256:)", id="an option of its own"),
    ],
)
def test_locks_say_nothing_of_the_machine_they_were_made_on(lock: str, trace: str) -> None:
    assert re.findall(trace, read(lock), re.MULTILINE) == []


@pytest.mark.parametrize(("lock", "declared"), DECLARED.items(), ids=LOCKS)
def test_every_dependency_is_pinned(lock: str, declared: set[str]) -> None:
    assert declared - pinned(lock).keys() == set()


def test_what_the_tests_run_on_is_what_people_run() -> None:
    assert pinned(LOCKS[0]).items() <= pinned(LOCKS[1]).items()


@pytest.mark.parametrize("lock", LOCKS[2:])
def test_desktop_program_has_the_releases_people_run(lock: str) -> None:
    people, file = pinned(LOCKS[0]), pinned(lock)
    assert {name: release for name, release in file.items() if people.get(name, release) != release} == {}


def test_desktop_program_has_no_packages_of_tests() -> None:
    assert names(EXTRAS["test"]) & pinned(LOCKS[3]).keys() == set()


def test_the_locked_build_tool_is_the_one_the_build_asks_for() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_every_dependency_is_explained() -> None:
    explained = re.findall(r"^\| `([\w.-]+)(?:\[[\w,]+\])?` \| \w.*\. \|$", read("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(explained) == sorted(EVERYTHING)


def makefile_targets() -> set[str]:
    """Return what `make` can be asked for, from the rules of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))


def test_make_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([\w-]+) +[A-Z]", listed, re.MULTILINE)) == makefile_targets()


def test_every_target_is_phony() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)
    assert set(" ".join(phony).split()) == makefile_targets()


def test_contributing_lists_every_target() -> None:
    rows = re.findall(r"^\| `make ([\w-]+)` \| \w", read("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(rows) == sorted(makefile_targets() - {"help"})


def test_the_readme_leads_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert "docs/images/dashboard.png" in files
    assert [file for file in files if not (ROOT / file).exists()] == []


@cache
def tracked() -> list[Path]:
    """Return the files of the project, relative to its root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for file in map(Path, listed.splitlines()) if (ROOT / file).exists()]


def modules(*trees: str) -> list[Path]:
    return [file for file in tracked() if file.suffix == ".py" and file.parts[0] in trees]


def texts() -> list[Path]:
    """Return the files that we write and people read; libraries, catalogues and samples are not among them."""
    kinds = {".py", ".md", ".css", ".js", ".sh", ".html", ".toml", ".mako", ""}
    named = [file for file in tracked() if file.suffix in kinds and file.name not in {"LICENSE", "test_house.py"}]
    return [file for file in named if ".min." not in file.name and ".de." not in file.name and "data" not in file.parts]


def found(pattern: re.Pattern[str], file: Path, text: str, first_line: int = 1) -> Iterator[str]:
    """Yield where a pattern is in a text that begins at a line of a file."""
    for match in pattern.finditer(text):
        yield f"{file}:{first_line + text.count(chr(10), 0, match.start())}: {match[0]}"


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the comments and docstrings of a module, those of attributes too, each with its first line."""
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(read(str(file))).readline):
        is_statement = before in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and is_statement):
            yield token.start[0], token.string
        if token.type not in {tokenize.COMMENT, tokenize.NL}:
            before = token.type


def without_code(file: Path) -> str:
    """Return a text; of Markdown, without its code."""
    return re.sub(r"`[^`\n]*`", "", read(str(file))) if file.suffix == ".md" else read(str(file))


def test_words_are_plain() -> None:
    unusual = [each for file in texts() for each in found(WORDS, file, without_code(file))]
    assert not unusual, "\n".join(unusual)


def test_phrases_are_plain() -> None:
    files = [file for file in texts() if file.suffix == ".py"]
    unusual = [each for file in files for line, text in prose(file) for each in found(PHRASES, file, text, line)]
    assert not unusual, "\n".join(unusual)


def test_no_test_measures_seconds() -> None:
    clocks = re.compile(r"perf_counter|process_time|monotonic\(\) -|time\.time\(\)|timeit")
    files = [file for file in modules("tests") if file.name != "test_house.py"]
    measured = [each for file in files for each in found(clocks, file, read(str(file)))]
    assert not measured, "\n".join(measured)


def test_test_names_are_short() -> None:
    definitions = re.compile(r"def (test_\w+)")
    named = [(file, name) for file in modules("tests") for name in definitions.findall(read(str(file)))]
    long = [f"{file}: {name}" for file, name in named if len(name) > LONGEST_TEST_NAME]
    assert not long, "\n".join(long)


def words_of(text: str) -> set[str]:
    """Return the words of a name or a sentence, in lower case, without a plural's s."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Za-z]+", apart)}


def test_docstrings_add_to_the_name() -> None:
    empty = []
    for file in modules("portal", "scripts", "tests", "tools"):
        for node in ast.walk(ast.parse(read(str(file)))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                docstring = ast.get_docstring(node)
                if docstring is not None and not words_of(docstring) - words_of(node.name) - FILLERS:
                    empty.append(f"{file}:{node.lineno}: {docstring}")
    assert empty == []


def test_modules_are_short() -> None:
    lengths = {file: len(read(str(file)).splitlines()) for file in modules("portal")}
    assert {str(file) for file, length in lengths.items() if length > LONGEST_MODULE} == set()


def test_folders_are_small() -> None:
    counts = Counter(str(file.parent) for file in tracked())
    assert {folder for folder, count in counts.items() if count > MOST_FILES} == set()
