"""What a family answers when it asks to be called."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Relationship(models.TextChoices):
    """Who asks."""

    PARENT = "parent", _("Parent")
    GUARDIAN = "guardian", _("Legal guardian or foster parent")
    RELATIVE = "relative", _("Grandparent or other relative")
    PATIENT = "patient", _("I am the patient")
    PROFESSIONAL = "professional", _("Health professional who cares for the child")


class About(models.TextChoices):
    """What the call is about: one of the doors, or something else."""

    ABOUT_US = "about-us", _("Learn more about your team")
    QUESTIONS = "questions", _("Questions about a child's condition")
    SECOND_OPINION = "second-opinion", _("A second opinion")
    START = "start", _("Get started as a new patient")
    VIDEO = "video-visit", _("A video visit")
    COUNTS = "blood-counts", _("Blood counts")
    OTHER = "other", _("Something else")


class Time(models.TextChoices):
    """When to call; the form adds the hours of the office."""

    ANY = "any", _("Any time")
    MORNING = "morning", _("Morning")
    AFTERNOON = "afternoon", _("Afternoon")


class Language(models.TextChoices):
    """Which language to call in."""

    ENGLISH = "en", _("English")
    SPANISH = "es", _("Spanish")
    OTHER = "other", _("Another language")


NOTE_MOST = 500
