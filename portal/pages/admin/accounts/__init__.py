"""The pages of accounts for administrators."""
