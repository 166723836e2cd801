"""Pages of the signed-in person, and the components that only they use."""
