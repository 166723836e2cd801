"""Fields, forms, dialogs, and drafts that survive a reload of the page."""
