"""What another project's settings take to have the store's apps beside its own.

`from objectstore_site.embedded import *` gives every OBJECTSTORE_* setting, read from
the environment as the server reads them, and these two:

- OBJECTSTORE_APPS, to be added to INSTALLED_APPS;
- OBJECTSTORE_STORAGES, where each storage class keeps its bytes, for STORAGES.
"""

from objectstore_site import settings as server

OBJECTSTORE_APPS = [
    "kernel.apps.KernelConfig",
    "blobs.apps.BlobsConfig",
    "iam.apps.IamConfig",
    "buckets.apps.BucketsConfig",
    "objects.apps.ObjectsConfig",
]
OBJECTSTORE_STORAGES = {
    name: server.STORAGES[name] for name in server.OBJECTSTORE_STORAGE_CLASSES
}
globals().update(
    {
        name: value
        for name, value in vars(server).items()
        if name.startswith("OBJECTSTORE_")
    }
)
__all__ = [name for name in globals() if name.startswith("OBJECTSTORE_")]
