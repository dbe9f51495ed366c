"""Files that people send: checked, scanned, sealed, and served through an authorized view."""
