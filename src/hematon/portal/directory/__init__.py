"""Experts, ratings by the published rules, awards and facts with an expiry."""
