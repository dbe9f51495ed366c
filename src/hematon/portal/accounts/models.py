"""Staff accounts and their roles."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Role(models.TextChoices):
    """What a member of staff may do; a person can hold several."""

    INTAKE = "intake", "Intake: sees and closes requests"
    CLINICIAN = "clinician", "Clinician: assesses records"
    EDITOR = "editor", "Editor: keeps the pages"
    MODERATOR = "moderator", "Moderator: reads reviews before they show"
    ADMINISTRATOR = "administrator", "Administrator: roster, awards, staff"


class UserManager(BaseUserManager["User"]):
    """Makes staff accounts."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an account; the address is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Find an account by its address, whatever the case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A member of staff, known by a work email address."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_staff = False
    """Django's own admin site is not used."""

    objects = UserManager()

    def __str__(self) -> str:
        """Name the person."""
        return self.name or self.email

    def holds(self, *roles: str) -> bool:
        """Say whether the person holds any of the roles now."""
        return self.roles.filter(role__in=roles).exists()


class StaffRole(models.Model):
    """One role of one person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        """Once each."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=("user", "role"), name="one_row_per_role")
        ]

    def __str__(self) -> str:
        """Name the role."""
        return self.get_role_display()
