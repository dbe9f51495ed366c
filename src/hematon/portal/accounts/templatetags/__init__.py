"""Tags of the accounts' pages."""
