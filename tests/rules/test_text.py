"""Accepted text, and the form in which it is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.text import (
    MAX_EMAIL,
    MAX_NOTE,
    MAX_PASSWORD,
    InvalidText,
    check_password,
    clean_email,
    clean_line,
    clean_note,
    clean_username,
    clip_line,
    clip_name,
    counted,
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("Laptop", "Laptop", id="plain"),
        pytest.param("  Laptop \u00a0", "Laptop", id="trimmed, also of no-break spaces"),
        pytest.param("Tür an Tür", "Tür an Tür", id="inner spaces stay"),
        pytest.param("Tu\u0308r", "T\u00fcr", id="composed"),
        pytest.param("\u212bngstrom", "\u00c5ngstrom", id="signs become letters"),
        pytest.param("👩‍💻 דלת", "👩‍💻 דלת", id="joined emoji and other scripts"),
        pytest.param("x" * 100, "x" * 100, id="as long as may be"),
        pytest.param(" " + "x" * 100 + " ", "x" * 100, id="measured after trimming"),
        pytest.param("u\u0308" * 100, "\u00fc" * 100, id="measured in composed form"),
        pytest.param("<b>&amp;'\";--", "<b>&amp;'\";--", id="nothing is escaped here"),
    ],
)
def test_line_is_stripped_and_composed(text: str, line: str) -> None:
    assert clean_line(text, "The label", 100) == line


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "The label must not be empty.", id="nothing"),
        pytest.param(" \u00a0\u3000", "The label must not be empty.", id="only spaces"),
        pytest.param("x" * 101, "The label is longer than 100 characters.", id="too long"),
        pytest.param("a\x00b", "The label must not contain the NUL character.", id="NUL"),
        pytest.param("a\ud800b", "The label contains half a character", id="a lone surrogate"),
        pytest.param("\udfff", "The label contains half a character", id="the other half"),
        pytest.param("two\nlines", "The label must be one line", id="a line break"),
        pytest.param("two\rlines", "The label must be one line", id="an old line break"),
        pytest.param("two\u2028lines", "The label must be one line", id="a line separator"),
        pytest.param("two\u2029lines", "The label must be one line", id="a paragraph separator"),
        pytest.param("a\tb", "The label must be one line", id="a tab"),
        pytest.param("\x1b[31mred", "The label must be one line", id="an escape sequence"),
        pytest.param("a\x7f", "The label must be one line", id="delete"),
        pytest.param("a\x85b", "The label must be one line", id="next line"),
    ],
)
def test_invalid_line_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidText, match=sentence):
        clean_line(text, "The label", 100)


def test_line_may_be_empty_if_allowed() -> None:
    assert clean_line("  ", "The endpoint", 100, empty=True) == ""


@given(st.text(st.characters(codec=None), max_size=120))
def test_cleaned_text_stays_the_same_if_cleaned_again(text: str) -> None:
    try:
        line = clean_line(text, "The label", 100)
    except InvalidText:
        return
    line.encode()
    assert clean_line(line, "The label", 100) == line
    assert 0 < len(line) <= 100


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param("Why so long?", "Why so long?", id="plain"),
        pytest.param("\n a\n\n\tb \n", "a\n\n\tb", id="breaks and tabs inside stay"),
        pytest.param("a\r\nb\rc", "a\nb\nc", id="one kind of line break"),
        pytest.param("", "", id="nothing is no note"),
        pytest.param(" \n\t ", "", id="nor are spaces"),
        pytest.param("x" * MAX_NOTE, "x" * MAX_NOTE, id="as long as may be"),
        pytest.param("🦙" * MAX_NOTE, "🦙" * MAX_NOTE, id="counted in characters"),
    ],
)
def test_note_keeps_its_lines(text: str, note: str) -> None:
    assert clean_note(text) == note


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("x" * (MAX_NOTE + 12), "longer than 4,000 characters. Shorten it by 12", id="too long"),
        pytest.param("a\x00", "NUL", id="NUL"),
        pytest.param("\udc00", "half a character", id="a lone surrogate"),
        pytest.param("\x07", "control characters", id="the bell"),
        pytest.param("\x1b]0;title", "control characters", id="an escape sequence"),
    ],
)
def test_invalid_note_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidText, match=sentence):
        clean_note(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("alice", "alice", id="plain"),
        pytest.param(" Alice ", "alice", id="in small letters"),
        pytest.param("a", "a", id="one letter"),
        pytest.param("a" * 64, "a" * 64, id="as long as may be"),
        pytest.param("ada.lovelace+moe@example.org", "ada.lovelace+moe@example.org", id="an address"),
        pytest.param("user_1-2", "user_1-2", id="digits and dashes"),
        pytest.param("\u212a", "k", id="the Kelvin sign is a K"),
    ],
)
def test_user_name_is_accepted_in_lower_case(text: str, name: str) -> None:
    assert clean_username(text) == name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("a" * 65, id="too long"),
        pytest.param("-alice", id="begins with a sign"),
        pytest.param("alice.", id="ends with a sign"),
        pytest.param("alice liddell", id="a space"),
        pytest.param("älice", id="another letter"),
        pytest.param("\u0430lice", id="a Cyrillic letter that looks the same"),
        pytest.param("alice\n", id="a line break"),
        pytest.param("alice\x00", id="NUL"),
        pytest.param("alice\ud800", id="a lone surrogate"),
        pytest.param("\u0130", id="a letter that grows in lower case"),
        pytest.param("../alice", id="a path"),
    ],
)
def test_invalid_user_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_username(text)


@pytest.mark.parametrize(
    "address",
    [
        "a@b",
        "alice@example.org",
        "alice+moe@mail.example.co.uk",
        "grüße@example.org",
        "a" * 64 + "@" + "b" * 189,
    ],
)
def test_valid_address_is_accepted(address: str) -> None:
    assert clean_email(f" {address} ") == address


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("alice", id="no host"),
        pytest.param("@example.org", id="no name"),
        pytest.param("alice@", id="an empty host"),
        pytest.param("alice@-example.org", id="a host that begins with a dash"),
        pytest.param("alice@example.org.", id="a host that ends with a dot"),
        pytest.param("alice@exa..mple.org", id="two dots"),
        pytest.param("al..ice@example.org", id="two dots in the name"),
        pytest.param("alice@bob@example.org", id="two hosts"),
        pytest.param("alice@example.org, bob@example.org", id="two addresses"),
        pytest.param("alice@example.org\nBcc: bob@example.org", id="a header"),
        pytest.param("Alice <alice@example.org>", id="with a name"),
        pytest.param("a" * 65 + "@example.org", id="a name too long"),
        pytest.param("a@" + "b" * MAX_EMAIL, id="too long"),
        pytest.param("alice\x00@example.org", id="NUL"),
        pytest.param("alice\ud800@example.org", id="a lone surrogate"),
    ],
)
def test_invalid_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_email(text)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("0123456789", id="ten characters"),
        pytest.param("ein Glas kalter Tee 🍵", id="words"),
        pytest.param("abcd" * 64, id="as long as may be"),
        pytest.param("alice alice", id="more than the user name"),
    ],
)
def test_good_password_is_accepted(password: str) -> None:
    check_password(password, "alice")


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        pytest.param("", "at least 10", id="nothing"),
        pytest.param("012345678", "at least 10", id="too short"),
        pytest.param("abcd" * 64 + "e", f"at most {MAX_PASSWORD}", id="too long"),
        pytest.param("Wonderland-Alice", "too easy", id="the user name"),
        pytest.param("aaaabbbbcccc", "too easy", id="three different characters"),
        pytest.param("0123456789\x00", "NUL", id="NUL"),
        pytest.param("0123456789\ud800", "half a character", id="a lone surrogate"),
    ],
)
def test_bad_password_is_refused_with_a_sentence(password: str, sentence: str) -> None:
    with pytest.raises(InvalidText, match=sentence):
        check_password(password, "wonderland-alice")


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (3138, ("row",), "3,138 rows"),
        (1, ("row was", "rows were"), "1 row was"),
        (2, ("row was", "rows were"), "2 rows were"),
    ],
)
def test_counted_noun_has_the_right_form(count: int, words: tuple[str, ...], expected: str) -> None:
    assert counted(count, *words) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Research", "Research"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("Research Law", "Research…"),
        (None, ""),
    ],
)
def test_cut_name_ends_in_an_ellipsis(text: object, name: str) -> None:
    assert clip_name(text, 10) == name


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("  a   b  ", "a b"),
        ("abcd efgh", "abcd"),
        ("a\tb\x00c", "a b c"),
        ("e\u0301te\u0301", "été"),
        ("été  " + "x" * 9, "été x"),
        (7, ""),
    ],
)
def test_clipped_line_has_single_spaces_and_no_controls(value: object, line: str) -> None:
    assert clip_line(value, 5) == line
