"""Users, service accounts and groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.usage import reachable_buckets
from console.access import may_manage
from console.models import OPEN_STATES
from console.pages.base import Page
from console.pages.keys import LIFETIMES, OVERLAPS, key_rows
from console.roles import BY_NAME, ROLES, give_role
from console.settings.checks import line_of
from console.settings.policies import IDENTITY_POLICIES
from console.settings.widgets import ConsoleForm, JsonText, use_editor
from console.templatetags.console import plural
from iam import administration, groups, inline_policies, managed_policies, users
from iam.access import denied, may
from iam.entities import EntityKind
from iam.models import Identity, IdentityKind, InlinePolicy
from iam.naming import NAME
from iam.principals import Principal
from kernel.errors import InvalidArgument, ObjectStoreError

# How many buckets' names a form offers.
MOST_NAMES = 500


def ids_of(request: Any, name: str) -> list[int]:
    """Read the rows that were ticked. Raises InvalidArgument for what is no row's."""
    ticked = request.POST.getlist(name)
    if not all(one.isdecimal() and len(one) < 19 for one in ticked):
        raise InvalidArgument(f"The form's {name} is not one that it offers.")
    return [int(one) for one in ticked]


class RoleForm(ConsoleForm):
    """A role to give, in a bucket where it is one of a bucket."""

    role = forms.ChoiceField(
        label="May", choices=[(role.name, role.title) for role in ROLES]
    )
    bucket = forms.CharField(
        label="In bucket",
        required=False,
        max_length=63,
        help_text="For the roles of one bucket.",
        widget=forms.TextInput(attrs={"list": "bucket-names", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        role = BY_NAME.get(given.get("role", ""))
        if role is not None and role.is_of_bucket and not given.get("bucket"):
            self.add_error("bucket", "Name the bucket.")
        return given


class UserForm(RoleForm):
    """A new user or service account."""

    field_order = (
        *("kind", "name", "role", "bucket", "password"),
        *("display_name", "description"),
    )
    role = forms.ChoiceField(
        label="May",
        required=False,
        choices=[("", "nothing yet"), *((role.name, role.title) for role in ROLES)],
        help_text="More can be given at any time, by policies and groups.",
    )

    kind = forms.ChoiceField(
        label="Kind",
        widget=forms.RadioSelect,
        initial=IdentityKind.USER,
        choices=[
            (IdentityKind.USER, "User: a person"),
            (IdentityKind.SERVICE, "Service account: a program"),
        ],
    )
    name = forms.RegexField(
        rf"^{NAME.pattern}$",
        max_length=64,
        label="Name",
        help_text="Letters, digits and +=,.@-_",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    display_name = forms.CharField(label="Shown as", required=False, max_length=128)
    description = forms.CharField(label="What for", required=False, max_length=1000)
    password = forms.CharField(
        label="Console password",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="With one the user can sign in here. Empty: keys alone.",
    )


class PasswordForm(ConsoleForm):
    password = forms.CharField(
        label="New console password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class OwnPolicyForm(ConsoleForm):
    name = forms.RegexField(rf"^{NAME.pattern}$", max_length=128, label="Name")
    document = JsonText(label="Policy")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        use_editor(self.fields["document"], "identity")


class Users(Page):
    title = "Users"
    template = "console/users.html"

    def get(self, request: Any) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        return self.render(
            text=text,
            identities=administration.list_identities(self.principal, text=text),
            most=administration.MOST_LISTED,
            may_create=may(self.principal, "iam:CreateUser"),
        )


class CreateUser(Page):
    title = "Create user"
    template = "console/create_user.html"

    def get(self, request: Any) -> HttpResponse:
        if not may_manage(self.principal, "iam:CreateUser"):
            raise denied(self.principal, "iam:CreateUser", "*")
        given = {name: request.GET.get(name, "") for name in ("role", "bucket")}
        return self.show(UserForm(initial=given))

    def show(self, form: UserForm, status: int = 200) -> HttpResponse:
        response = self.render(
            form=form, buckets=reachable_buckets(self.principal, MOST_NAMES)
        )
        response.status_code = status
        return response

    def post(self, request: Any) -> HttpResponseBase:
        form = UserForm(request.POST)
        if form.is_valid():
            try:
                return self.create(dict(form.cleaned_data))
            except ObjectStoreError as error:
                form.refuse(error)
        return self.show(form, 400)

    def create(self, given: dict[str, Any]) -> HttpResponseBase:
        """Create the user, and give the role if the form names one."""
        role, bucket = given.pop("role"), given.pop("bucket")
        user = users.create_user(self.principal, now=timezone.now(), **given)
        page = reverse("admin:user", args=[user.unique_id])
        if not role:
            self.say(f"{user.name} is there, and may do nothing yet.")
            return self.go(page)
        try:
            give_role(self.principal, user, role, bucket)
            self.say(f"{user.name} is there: {BY_NAME[role].title}.")
        except ObjectStoreError as error:
            self.warn(f"{user.name} is there, without a role: {error.text}")
        return self.go(page)


def name_of(principal: Principal, unique_id: str) -> str:
    return administration.entity_of(principal, EntityKind.USER, unique_id).name


USER_ACTIONS = (
    "iam:UpdateUser",
    "iam:DeleteUser",
    "iam:AttachUserPolicy",
    "iam:AddUserToGroup",
    "iam:PutUserPolicy",
    "iam:UpdateLoginProfile",
    "iam:CreateAccessKey",
)


def may_with(principal: Principal, identity: Identity) -> dict[str, bool]:
    """Tell what a user's page may offer."""
    is_barred = identity.kind == IdentityKind.ROOT and not principal.is_root
    return {
        action.removeprefix("iam:"): not is_barred
        and may(principal, action, identity.arn)
        for action in USER_ACTIONS
    }


def what_ends_with(principal: Principal, identity: Any, now: datetime) -> str:
    """Say what goes where a user is deleted, and what stays."""
    shares = identity.shares.filter(revoked_at__isnull=True, expires_at__gt=now).count()
    jobs = identity.jobs.filter(state__in=OPEN_STATES).count()
    keys = len(administration.list_keys(principal, identity))
    going = [
        plural(keys, "key") if keys else "",
        f"{plural(shares, 'share link')} that people may still use" if shares else "",
        f"{plural(jobs, 'job')} under way" if jobs else "",
        "the sign-in" if identity.user_id else "",
    ]
    along = ", ".join(one for one in going if one)
    gone = f"With it go {along}, for good." if along else "It goes for good."
    return f"{gone} Buckets and objects stay."


def own_policies(principal: Principal, identity: Identity) -> list[InlinePolicy]:
    """List a user's own policies, to those who may read them."""
    if not may(principal, "iam:GetUserPolicy", identity.arn):
        return []
    return list(identity.inline_policies.order_by("name"))


class UserPage(Page):
    template = "console/user.html"

    def get(self, request: Any, unique_id: str) -> HttpResponse:
        return self.show(unique_id)

    def show(self, unique_id: str, status: int = 200, **forms: Any) -> HttpResponse:
        principal = self.principal
        identity = administration.get_identity(principal, unique_id)
        attached = set(identity.managed_policies.values_list("pk", flat=True))
        joined = set(identity.iam_groups.values_list("pk", flat=True))
        response = self.render(
            title="User",
            page_title=identity.name,
            identity=identity,
            policies=managed_policies.visible_policies(principal).order_by("name"),
            attached=attached,
            groups=identity.account.groups.order_by("name"),
            joined=joined,
            own_policies=own_policies(principal, identity),
            keys=key_rows(principal, identity),
            overlaps=OVERLAPS,
            lifetimes=LIFETIMES,
            may=may_with(principal, identity),
            may_groups=may_manage(principal, "iam:ListGroups"),
            may_policies=may_manage(principal, "iam:ListPolicies"),
            may_create_policy=may_manage(principal, "iam:CreatePolicy"),
            templates=IDENTITY_POLICIES,
            roles=ROLES,
            buckets=reachable_buckets(principal, MOST_NAMES),
            **{
                "password_form": PasswordForm(),
                "policy_form": OwnPolicyForm(),
                "role_form": RoleForm(),
                **forms,
            },
        )
        response.status_code = status
        return response

    def post(self, request: Any, unique_id: str) -> HttpResponseBase:
        act = request.POST.get("act", "")
        if act not in ACTS:
            raise InvalidArgument("The form does not say what to do.")
        return ACTS[act](self, request, unique_id)

    def again(self, unique_id: str, anchor: str = "") -> HttpResponseBase:
        return self.go(reverse("admin:user", args=[unique_id]) + anchor)

    def attach(self, request: Any, unique_id: str) -> HttpResponseBase:
        administration.set_policies(
            self.principal,
            EntityKind.USER,
            unique_id,
            ids_of(request, "policy"),
            ids_of(request, "had_policy"),
        )
        self.say("Policies saved.")
        return self.again(unique_id, "#policies")

    def join(self, request: Any, unique_id: str) -> HttpResponseBase:
        administration.set_groups(
            self.principal,
            unique_id,
            ids_of(request, "group"),
            ids_of(request, "had_group"),
        )
        self.say("Groups saved.")
        return self.again(unique_id, "#groups")

    def give(self, request: Any, unique_id: str) -> HttpResponseBase:
        form = RoleForm(request.POST)
        if not form.is_valid():
            return self.show(unique_id, 400, role_form=form)
        given = form.cleaned_data
        user: Any = administration.entity_of(self.principal, EntityKind.USER, unique_id)
        try:
            give_role(self.principal, user, given["role"], given["bucket"])
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(unique_id, error.status, role_form=form)
        self.say(f"{user.name}: {BY_NAME[given['role']].title}.")
        return self.again(unique_id)

    def put_policy(self, request: Any, unique_id: str) -> HttpResponseBase:
        form = OwnPolicyForm(request.POST)
        if not form.is_valid():
            return self.show(unique_id, 400, policy_form=form)
        try:
            inline_policies.put_policy(
                self.principal,
                EntityKind.USER,
                name_of(self.principal, unique_id),
                form.cleaned_data["name"],
                request.POST["document"],
            )
        except ObjectStoreError as error:
            form.refuse(error, line_of("identity", request.POST["document"]))
            return self.show(unique_id, error.status, policy_form=form)
        self.say("Policy saved.")
        return self.again(unique_id, "#own")

    def delete_policy(self, request: Any, unique_id: str) -> HttpResponseBase:
        user, policy = name_of(self.principal, unique_id), request.POST.get("name", "")
        if not self.is_confirmed:
            return self.ask_first(
                f"Remove the policy {policy} from {user}?",
                "It goes for good, with all that it allows and denies.",
                verb="Remove",
                back=reverse("admin:user", args=[unique_id]) + "#own",
            )
        inline_policies.delete_policy(self.principal, EntityKind.USER, user, policy)
        self.say("Policy removed.")
        return self.again(unique_id, "#own")

    def set_password(self, request: Any, unique_id: str) -> HttpResponseBase:
        form = PasswordForm(request.POST)
        if not form.is_valid():
            return self.show(unique_id, 400, password_form=form)
        try:
            administration.set_password(
                self.principal, unique_id, form.cleaned_data["password"]
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(unique_id, error.status, password_form=form)
        self.say("Password set.")
        return self.again(unique_id, "#sign-in")

    def set_active(self, request: Any, unique_id: str) -> HttpResponseBase:
        is_active = request.POST.get("is_active") == "1"
        administration.set_active(self.principal, unique_id, is_active=is_active)
        self.say("Enabled." if is_active else "Disabled: all keys and the sign-in.")
        return self.again(unique_id)

    def delete(self, request: Any, unique_id: str) -> HttpResponseBase:
        if not self.is_confirmed:
            identity = administration.get_identity(self.principal, unique_id)
            return self.ask_first(
                f"Delete the user {identity.name}?",
                what_ends_with(self.principal, identity, timezone.now()),
                verb="Delete",
                back=reverse("admin:user", args=[unique_id]),
            )
        administration.delete_identity(self.principal, unique_id)
        self.say("The user is gone, with all keys.")
        return self.go(reverse("admin:users"))


ACTS = {
    "attach": UserPage.attach,
    "join": UserPage.join,
    "give": UserPage.give,
    "put_policy": UserPage.put_policy,
    "delete_policy": UserPage.delete_policy,
    "set_password": UserPage.set_password,
    "set_active": UserPage.set_active,
    "delete": UserPage.delete,
}


# Groups


class GroupForm(ConsoleForm):
    name = forms.RegexField(
        rf"^{NAME.pattern}$",
        max_length=128,
        label="Name",
        help_text="Letters, digits and +=,.@-_",
    )


class Groups(Page):
    title = "Groups"
    template = "console/groups.html"

    def get(self, request: Any) -> HttpResponse:
        return self.show(GroupForm())

    def show(self, form: GroupForm, status: int = 200) -> HttpResponse:
        response = self.render(
            groups=administration.list_groups(self.principal),
            form=form,
            may_create=may(self.principal, "iam:CreateGroup"),
        )
        response.status_code = status
        return response

    def post(self, request: Any) -> HttpResponseBase:
        form = GroupForm(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        try:
            group = groups.create_group(
                self.principal, form.cleaned_data["name"], now=timezone.now()
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(form, error.status)
        self.say(f"The group {group.name} is there. Now add members and policies.")
        return self.go(reverse("admin:group", args=[group.unique_id]))


class GroupPage(Page):
    template = "console/group.html"

    def get(self, request: Any, unique_id: str) -> HttpResponse:
        principal = self.principal
        group = administration.get_group(principal, unique_id)
        return self.render(
            title="Group",
            page_title=group.name,
            group=group,
            identities=administration.list_identities(principal),
            most=administration.MOST_LISTED,
            members=set(group.members.values_list("pk", flat=True)),
            policies=managed_policies.visible_policies(principal).order_by("name"),
            attached=set(group.managed_policies.values_list("pk", flat=True)),
            may_change=may(principal, "iam:AddUserToGroup", group.arn)
            and may(principal, "iam:AttachGroupPolicy", group.arn),
            may_delete=may(principal, "iam:DeleteGroup", group.arn),
        )

    def post(self, request: Any, unique_id: str) -> HttpResponseBase:
        if request.POST.get("act") == "delete":
            if not self.is_confirmed:
                return self.ask_to_delete(unique_id)
            administration.delete_group(self.principal, unique_id)
            self.say("The group is gone; its members stay.")
            return self.go(reverse("admin:groups"))
        administration.set_policies(
            self.principal,
            EntityKind.GROUP,
            unique_id,
            ids_of(request, "policy"),
            ids_of(request, "had_policy"),
        )
        administration.set_members(
            self.principal,
            unique_id,
            ids_of(request, "member"),
            ids_of(request, "had_member"),
        )
        self.say("Group saved.")
        return self.go(reverse("admin:group", args=[unique_id]))

    def ask_to_delete(self, unique_id: str) -> HttpResponse:
        group = administration.get_group(self.principal, unique_id)
        return self.ask_first(
            f"Delete the group {group.name}?",
            "Its members stay, without its policies.",
            verb="Delete",
            back=reverse("admin:group", args=[unique_id]),
        )
