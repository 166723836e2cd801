"""Text in files that spreadsheets open."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def without_formula(text: str) -> str:
    """Return a text that spreadsheets take for text, also if it begins like a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
