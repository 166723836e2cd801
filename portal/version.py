"""Which version of MoE Portal this is."""


def version() -> str:
    """Return the version of the installed package; "0" in a checkout that was never installed."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415  # slow, and seldom asked for
    from importlib.metadata import version as installed  # noqa: PLC0415

    try:
        return installed("moe-portal")
    except PackageNotFoundError:
        return "0"
