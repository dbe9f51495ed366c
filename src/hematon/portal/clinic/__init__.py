"""For clinicians: the engine's whole report on an uploaded record, behind staff sign-in."""
