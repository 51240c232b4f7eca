"""The Python client of the object store."""

from objectstore import errors
from objectstore.body import Body
from objectstore.client import Client
from objectstore.keyvalue import RestStore

__all__ = ["Body", "Client", "RestStore", "errors"]
