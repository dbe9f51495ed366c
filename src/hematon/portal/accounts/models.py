"""People who sign in: staff with roles, families, and clinicians who refer."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from hematon.portal.vault.fields import SealedBytes, SealedText
from hematon.portal.vault.sealing import blind_index


class Kind(models.TextChoices):
    """Who an account is for. Only staff hold roles."""

    STAFF = "staff", "Staff"
    FAMILY = "family", "Family"
    REFERRER = "referrer", "Referring clinician"


class Role(models.TextChoices):
    """What a member of staff may do; a person can hold several."""

    INTAKE = "intake", "Intake: reads, sorts and answers requests"
    CLINICIAN = "clinician", "Clinician: assesses records, writes opinions"
    SCHEDULER = "scheduler", "Scheduler: opens times and books visits"
    EDITOR = "editor", "Editor: keeps the pages"
    MODERATOR = "moderator", "Moderator: reads reviews before they show"
    ADMINISTRATOR = "administrator", "Administrator: roster, awards, staff, settings"
    PRIVACY = "privacy", "Privacy officer: reads the audit, changes nothing"


class UserManager(BaseUserManager["User"]):
    """Makes staff accounts."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an account; the address is kept in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_without_password(self, address: str, kind: Kind) -> User:
        """Make an account of a family or of a referring clinician.

        Its address is sealed: only staff addresses, which hospitals publish, stand in the open.
        """
        user = self.model(email=None, kind=kind)
        user.set_unusable_password()
        user.save(using=self._db)
        Address.objects.create(user=user, text=address, index=address_index(address, kind))
        return user

    def with_address(self, address: str, kind: Kind = Kind.FAMILY) -> User | None:
        """Find an account of a family or of a referring clinician.

        A pediatrician who is a parent too has one of each, which know nothing of each other.
        """
        return self.filter(address__index=address_index(address, kind)).first()

    def get_by_natural_key(self, username: str | None) -> User:
        """Find an account by its address, whatever the case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in: staff by a work email address, others by a sealed one."""

    kind = models.CharField(max_length=20, choices=Kind, default=Kind.STAFF)
    email = models.EmailField(unique=True, null=True)
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
        return self.name or self.email or f"{self.kind} {self.pk}"

    def holds(self, *roles: str) -> bool:
        """Say whether the person holds any of the roles now."""
        return self.kind == Kind.STAFF and self.roles.filter(role__in=roles).exists()

    @property
    def mail_address(self) -> str:
        """Give where the person receives mail; empty where there is none."""
        if self.kind == Kind.STAFF:
            return self.email or ""
        address = Address.objects.filter(user=self).first()
        return address.text if address is not None else ""


class Address(models.Model):
    """Where a family or a referring clinician receives mail; found by a keyed hash of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="address")
    text = SealedText()
    index = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        """Name the row, not the address."""
        return str(self.pk)


def address_index(address: str, kind: Kind = Kind.FAMILY) -> str:
    """Give what an address is found by; letters' case and spaces around it do not matter."""
    return blind_index(address.strip().lower(), f"accounts.address.{Kind(kind).value}")


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


class Purpose(models.TextChoices):
    """What a code by mail is good for; a code for one thing does nothing else."""

    SIGN_IN = "sign_in", "Sign in"
    CONFIRM = "confirm", "Confirm that the person is still there"
    CHANGE_ADDRESS = "change_address", "Change the address"


class MailedCode(models.Model):
    """A code sent by mail. The browser that asked for it knows the row; nobody else does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=20, choices=Purpose)
    kind = models.CharField(max_length=20, choices=Kind)
    address = SealedText()
    code_hash = models.CharField(max_length=64)
    """Empty when no code was sent: nothing that is typed has this hash."""
    expires_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Name the row."""
        return f"{self.purpose} {self.pk}"


class BrowserSession(models.Model):
    """A browser in which someone signed in, so that they can see and end it.

    It holds the make of the browser and times, never an address of the network.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="browser_sessions")
    browser = models.CharField(max_length=20)
    is_phone = models.BooleanField()
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Latest first."""

        ordering = ("-seen_at",)

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class FactorSecret(models.Model):
    """The secret of a code app or the seed of recovery codes; see `factor_secrets`."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    content = SealedText()

    def __str__(self) -> str:
        """Name the row."""
        return str(self.pk)


class StoredSession(models.Model):
    """What the server keeps for one browser's cookie, sealed; `session_store` reads and writes it.

    The key is a keyed hash of the cookie: whoever reads the table cannot use what stands there.
    """

    id = models.CharField(primary_key=True, max_length=64, editable=False)
    content = SealedBytes()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        """Name the row."""
        return self.pk[:8]
