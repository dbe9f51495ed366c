"""Hematon: from a child's blood count to the right care."""

__version__ = "0.1.0"
