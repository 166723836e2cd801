"""Pages of administrators, and the components that only they use."""
