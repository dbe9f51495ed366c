"""Loading, comparing and exporting the roster as CSV and FHIR R4."""
