"""Programs that measure and prove the portal, and are no tests: bench, chaos, import proof."""
