"""The pages of the price book for administrators."""
