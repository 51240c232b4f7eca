"""Where bytes live: immutable blobs in Django storages, named by metadata."""
