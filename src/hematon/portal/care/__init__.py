"""Reaching the team: the four doors and the request to be called."""
