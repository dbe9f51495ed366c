"""The care team's work: what to read next, whose child it is, who answers and when."""
