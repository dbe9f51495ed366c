"""What is encrypted at rest, and with which key. The keys are a file, never in the database."""
