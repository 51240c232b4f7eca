"""Objects: versions, uploads and everything that reads or writes their bytes."""
