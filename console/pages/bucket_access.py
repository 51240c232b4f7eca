"""Who may do what in a bucket, and letting one more person in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from buckets.access import find_bucket, is_allowed
from console.access import may_in_part
from console.pages.buckets import BucketPage, is_open_to_public
from console.roles import BY_NAME, OF_BUCKET, give_role
from console.settings.widgets import ConsoleForm
from iam import administration
from iam.access import account_arn, check_may, may
from iam.entities import EntityKind
from iam.models import Identity, IdentityKind
from iam.principals import Principal
from iam.queries import principals_of
from kernel.errors import InvalidArgument, NoSuchBucket, ObjectStoreError
from kernel.results import BucketInfo

# What is asked of each person: the words, the action, and whether of an object.
QUESTIONS = (
    ("Lists", "s3:ListBucket", False),
    ("Reads", "s3:GetObject", True),
    ("Writes", "s3:PutObject", True),
    ("Deletes", "s3:DeleteObject", True),
    ("Changes settings", "s3:PutBucketPolicy", False),
)
MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Reach:
    """What one person may do in a bucket."""

    identity: Identity
    answers: list[tuple[str, str]]

    @property
    def has_any(self) -> bool:
        return any(answer != "no" for _, answer in self.answers)


class AccessForm(ConsoleForm):
    who = forms.ChoiceField(label="Who")
    role = forms.ChoiceField(
        label="May",
        choices=[(role.name, role.title) for role in OF_BUCKET],
        initial="reader",
    )

    def __init__(self, people: list[Identity], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        who: Any = self.fields["who"]
        who.choices = [(one.unique_id, one.name) for one in people]


def reaches_of(people: list[Identity], bucket: BucketInfo) -> list[Reach]:
    """Tell what each of some people may do, by as many queries as for one."""
    principals = principals_of(people)
    return [
        reach_of(one, principal, bucket)
        for one, principal in zip(people, principals, strict=True)
    ]


def reach_of(identity: Identity, person: Principal, bucket: BucketInfo) -> Reach:
    return Reach(
        identity,
        [
            (words, answer_of(identity, person, action, bucket, is_of_object))
            for words, action, is_of_object in QUESTIONS
        ],
    )


def answer_of(
    identity: Identity,
    person: Principal,
    action: str,
    bucket: BucketInfo,
    is_of_object: bool,
) -> str:
    """Tell whether a person may do something: yes, no, or in part."""
    key = "*" if is_of_object else ""
    if not identity.is_active:
        return "no"
    if is_allowed(person, action, bucket, key):
        return "yes"
    return "in part" if may_in_part(person, action, bucket, key) else "no"


def may_give(principal: Principal) -> bool:
    """Tell whether the principal may give users policies of their own."""
    return may(principal, "iam:PutUserPolicy", account_arn(principal, "user", "*"))


class BucketAccess(BucketPage):
    template = "console/bucket_access.html"
    tab = "access"

    def get(self, request: Any, name: str) -> HttpResponse:
        return self.show(name)

    def show(
        self, name: str, form: AccessForm | None = None, status: int = 200
    ) -> HttpResponse:
        bucket = self.own_bucket(name)
        people = self.people()
        response = self.render_bucket(
            bucket,
            reaches=reaches_of(people, bucket),
            most=MOST_PEOPLE,
            questions=[words for words, _, _ in QUESTIONS],
            form=form or AccessForm(plain(people)),
            others=plain(people),
            is_open=is_open_to_public(bucket),
            may_give=may_give(self.principal),
            may_create_user=may(self.principal, "iam:CreateUser"),
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]

    def own_bucket(self, name: str) -> BucketInfo:
        """Find a bucket of the account, for those who may see its people."""
        check_may(self.principal, "iam:ListUsers")
        bucket = find_bucket(name)
        if bucket.owner_id != self.principal.account_id:
            raise NoSuchBucket(bucket_name=name)
        return bucket

    def people(self) -> list[Identity]:
        return [
            one
            for one in administration.list_identities(self.principal, most=MOST_PEOPLE)
            if one.kind != IdentityKind.ROLE
        ]

    def post(self, request: Any, name: str) -> HttpResponseBase:
        form = AccessForm(plain(self.people()), request.POST)
        if not form.is_valid():
            return self.show(name, form, 400)
        role = form.cleaned_data["role"]
        if not BY_NAME[role].is_of_bucket:
            raise InvalidArgument("This role is not one of a bucket.")
        user: Any = administration.entity_of(
            self.principal, EntityKind.USER, form.cleaned_data["who"]
        )
        try:
            give_role(self.principal, user, role, name)
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(name, form, error.status)
        self.say(f"{user.name} now {BY_NAME[role].title.replace('a bucket', name)}.")
        return self.go(reverse("admin:bucket_access", args=[name]))


def plain(people: list[Identity]) -> list[Identity]:
    """Leave out the root user, whom no policy binds."""
    return [one for one in people if one.kind != IdentityKind.ROOT]
