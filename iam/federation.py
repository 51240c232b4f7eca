"""Identity providers of the web, of which there are none yet."""

from __future__ import annotations

from iam.access import check_may
from iam.principals import Principal


def list_open_id_connect_providers(principal: Principal) -> list[str]:
    """List the ARNs of OpenID Connect providers: nobody can make one here."""
    check_may(principal, "iam:ListOpenIDConnectProviders")
    return []
