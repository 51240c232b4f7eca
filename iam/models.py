"""Accounts, identities, the policies they carry and the keys they sign with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class Account(models.Model):
    """An owner of buckets and identities (AWS: an account)."""

    canonical_id = models.CharField(max_length=64, unique=True)
    number = models.CharField(max_length=64, unique=True, help_text="12 digits")
    name = models.CharField(max_length=128)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    quota_bytes = models.BigIntegerField(null=True, blank=True)
    quota_buckets = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class IdentityKind(models.TextChoices):
    ROOT = "root", "root user"
    USER = "user", "user"
    SERVICE = "service", "service account"
    ROLE = "role", "role"


# What IAM calls users.
USERS = (IdentityKind.USER, IdentityKind.SERVICE)


class Identity(models.Model):
    """Who acts: an account's root, a user, a service account or a role."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=7, choices=IdentityKind)
    name = models.CharField(max_length=64)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(
        max_length=32, unique=True, help_text="AIDA..., AROA..."
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="identity",
        help_text="the web sign-in that acts as this identity",
    )
    display_name = models.CharField(max_length=128, blank=True)
    trust_policy = models.JSONField(null=True, blank=True, help_text="of a role")
    max_session_seconds = models.PositiveIntegerField(default=3600)
    description = models.CharField(max_length=1000, blank=True)
    tags = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                "account", "kind", Lower("name"), name="identity_name_once"
            ),
            models.UniqueConstraint(
                name="identity_root_once",
                fields=["account"],
                condition=Q(kind="root"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        """The Amazon Resource Name that policies know this identity by."""
        prefix = f"arn:aws:iam::{self.account.number}"
        if self.kind == IdentityKind.ROOT:
            return f"{prefix}:root"
        noun = "role" if self.kind == IdentityKind.ROLE else "user"
        return f"{prefix}:{noun}{self.path}{self.name}"


class Group(models.Model):
    """Users who share policies."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="groups")
    name = models.CharField(max_length=128)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(max_length=32, unique=True, help_text="AGPA...")
    members = models.ManyToManyField(Identity, blank=True, related_name="iam_groups")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("account", Lower("name"), name="group_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        """The Amazon Resource Name that policies know this group by."""
        return f"arn:aws:iam::{self.account.number}:group{self.path}{self.name}"


class ManagedPolicy(models.Model):
    """A policy of its own name, attached to any number of identities and groups."""

    account = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="policies",
        help_text="empty: ready made for every account",
    )
    name = models.CharField(max_length=128)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(max_length=32, unique=True, help_text="ANPA...")
    description = models.CharField(max_length=1000, blank=True)
    document = models.TextField()
    version = models.PositiveIntegerField(
        default=1, help_text="of the document; earlier ones are not kept"
    )
    identities = models.ManyToManyField(
        Identity, blank=True, related_name="managed_policies"
    )
    groups = models.ManyToManyField(Group, blank=True, related_name="managed_policies")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "managed policies"
        constraints = [
            models.UniqueConstraint(
                "account", Lower("name"), name="managed_policy_name_once"
            ),
            models.UniqueConstraint(
                name="managed_policy_ready_made_once",
                fields=["name"],
                condition=Q(account__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        """The Amazon Resource Name that this policy is attached by."""
        owner = "aws" if self.account is None else self.account.number
        return f"arn:aws:iam::{owner}:policy{self.path}{self.name}"


class InlinePolicy(models.Model):
    """A policy that belongs to one identity or one group."""

    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, related_name="inline_policies"
    )
    group = models.ForeignKey(
        Group, models.CASCADE, null=True, related_name="inline_policies"
    )
    name = models.CharField(max_length=128)
    document = models.TextField()

    class Meta:
        verbose_name_plural = "inline policies"
        constraints = [
            models.CheckConstraint(
                name="inline_policy_has_one_owner",
                condition=Q(identity__isnull=True) ^ Q(group__isnull=True),
            ),
            models.UniqueConstraint(
                name="inline_policy_once_per_identity", fields=["identity", "name"]
            ),
            models.UniqueConstraint(
                name="inline_policy_once_per_group", fields=["group", "name"]
            ),
        ]

    def __str__(self) -> str:
        return self.name


class KeyStatus(models.TextChoices):
    ACTIVE = "Active", "active"
    INACTIVE = "Inactive", "inactive"


class Key(models.Model):
    """What bearer keys and S3 keys have in common."""

    status = models.CharField(max_length=8, choices=KeyStatus, default=KeyStatus.ACTIVE)
    name = models.CharField(max_length=128, blank=True, help_text="what it is for")
    is_rate_limited = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class ApiKey(Key):
    """A bearer key, of which only the SHA-256 is kept.

    `key_id` is public: it names the key in lists, logs and signed URLs.
    """

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="api_keys")
    key_id = models.CharField(max_length=32, unique=True)
    digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.key_id


class AccessKey(Key):
    """An S3 key pair; the secret is sealed, because SigV4 needs it back."""

    identity = models.ForeignKey(Identity, models.CASCADE, related_name="access_keys")
    access_key_id = models.CharField(max_length=128, unique=True)
    sealed_secret = models.TextField()

    def __str__(self) -> str:
        return self.access_key_id
