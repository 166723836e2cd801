"""Expert templates, for administrators."""
