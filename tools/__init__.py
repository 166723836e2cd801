"""Programs that measure the portal or check it under load, apart from the tests: bench, chaos, import proof."""
