"""`python -m objectstore.cli`."""

from objectstore.cli import main

main()
