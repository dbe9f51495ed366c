"""Staff: accounts, roles, sign-in with a second factor, and who may open which page."""
