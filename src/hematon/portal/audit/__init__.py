"""Who did what, append-only. Written by actions, read only by investigators."""
