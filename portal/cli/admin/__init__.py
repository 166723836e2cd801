"""Commands for what administrators look up."""
