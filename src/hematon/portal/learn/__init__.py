"""Pages that explain: conditions, topics, glossary, search. Prose is files; no models."""
