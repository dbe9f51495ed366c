"""Assessments as a clinician reads them: in the terminal, as HTML, as FHIR.

`terminal.render` prints, `html.render` gives one self-contained page, `fhir.render` gives a
DiagnosticReport. All three say the same things in the same words, in the same order: whom it is
about, time to act, counts, severity, a ranked list to consider with the evidence for and against,
what must not be missed, next tests, hazards, what is missing, and what it all rests on. Nothing is
decided here, and nothing reads a clock, so the same assessment gives the same bytes.

Nothing is imported here: a command that prints should not pay for the page, nor the page for Rich.
"""

__all__ = ["fhir", "html", "terminal"]
