"""Readers and writers: a document in a standard format, to and from a `Case`."""
