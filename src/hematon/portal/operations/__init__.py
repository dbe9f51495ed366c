"""Running a portal: worker, backup and restore, keys, purge, health."""
