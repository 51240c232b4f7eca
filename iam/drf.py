"""DRF's token authentication and throttling, over the same rules as every dialect."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from iam.authenticate import authenticate
from iam.principals import Principal
from iam.rate_limits import count, count_guess
from kernel.errors import ObjectStoreError


class PrincipalAuthentication(BaseAuthentication):
    """Bearer keys, signatures, signed URLs, and the console's session."""

    def authenticate(self, request: Request) -> tuple[Principal, Any]:
        try:
            authenticated = authenticate(request._request)
        except ObjectStoreError:
            count_guess(request._request, "rest")
            raise
        return authenticated.principal, authenticated

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class RateLimit(BaseThrottle):
    """Count the request in the class that the view names for its action."""

    def allow_request(self, request: Request, view: Any) -> bool:
        operation = getattr(view, "operation_class", None)
        if operation is not None:
            principal: Any = request.user
            count(request._request, principal, "rest", operation)
        return True
