"""Share links: what gives people without a key one object or folder."""

from __future__ import annotations

from datetime import datetime

from objectstore import results
from objectstore.access import stated
from objectstore.results import CreatedShare, Share
from objectstore.transport import Transport


class Shares:
    """What the client can do with share links."""

    _transport: Transport

    def create_share(
        self,
        bucket: str,
        key: str,
        *,
        expires_at: datetime,
        is_folder: bool = False,
        version_id: str = "",
        takes_uploads: bool = False,
        most_downloads: int | None = None,
        most_size: int | None = None,
        password: str = "",
    ) -> CreatedShare:
        """Make a link to an object, or a folder's key with its slash; see its `url`.

        One that takes uploads lets people put up to `most_downloads` files of up to
        `most_size` bytes into the folder, and see nothing of what is there.
        """
        document = {
            "bucket_name": bucket,
            "key": key,
            "is_folder": is_folder,
            "version_id": version_id,
            "expires_at": stated(expires_at),
            "most_downloads": most_downloads,
            "password": password,
        }
        if takes_uploads:
            document |= {"takes_uploads": True, "most_size": most_size}
        answer = self._transport.send("POST", "/shares", json=document, makes_new=True)
        return results.created_share_of(answer.json())

    def list_shares(self, *, bucket: str | None = None) -> list[Share]:
        """List the links that the caller may see, newest first, ended ones too."""
        query = {"bucket_name": bucket}
        facts = self._transport.send("GET", "/shares", query=query).json()
        return [results.share_of(one) for one in facts["shares"]]

    def revoke_share(self, share_id: int) -> None:
        """End a link now."""
        self._transport.send("DELETE", f"/shares/{share_id}")
