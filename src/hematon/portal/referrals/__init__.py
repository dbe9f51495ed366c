"""A clinician refers a child: counts, findings, a preview, and a loop that is closed."""
