"""Signing in: wrong passwords are taken from one address for a while only."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from iam.rate_limits import is_used_up, network_of
from kernel.http.requests import client_address

# Failures of one address: for one name, and for all. A name's own count would let
# anybody keep its owner out.
FAILURES = "10/m"
ALL_FAILURES = "100/h"


class SignInForm(AuthenticationForm):
    """The sign-in, which counts failures."""

    def clean(self) -> dict[str, Any]:
        """Look at no password while there were too many wrong ones."""
        if self.is_barred(counts=False):
            raise ValidationError(
                "Too many attempts. Please wait a while, then try again."
            )
        try:
            return super().clean()  # type: ignore[no-any-return]
        except ValidationError:
            self.is_barred(counts=True)
            raise

    def is_barred(self, *, counts: bool) -> bool:
        address = network_of(client_address(self.request.META))
        name = self.cleaned_data.get("username", "").lower()
        rates = {f"{address} {name}": FAILURES, address: ALL_FAILURES}
        return is_used_up(self.request, "sign_in", rates, counts=counts)
