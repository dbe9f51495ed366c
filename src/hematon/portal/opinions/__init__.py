"""The case packet, the opinion written to it, and its release to the family and the doctor."""
