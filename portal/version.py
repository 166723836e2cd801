"""The version of MoE Portal."""


def version() -> str:
    """Return the version of the installed package; "0" in a checkout that was never installed."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415  # slow, and rarely needed
    from importlib.metadata import version as installed  # noqa: PLC0415

    try:
        return installed("moe-portal")
    except PackageNotFoundError:
        return "0"
