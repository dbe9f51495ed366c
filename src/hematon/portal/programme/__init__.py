"""The rules a programme sets and signs, as data with their sources.

Each kind of rule has a pydantic model, a shipped default in `defaults/`, and editions that staff
make and sign. The edition in force is the latest signed one; while none is signed the default
applies, and staff pages say that it is not signed. `rules.current(Model)` is how code asks.
"""
