"""What people type into: fields and forms, dialogs, and drafts that outlive a lost page."""
