#!/usr/bin/env python
"""The project's command line."""

from objectstore_site.cli import main

if __name__ == "__main__":
    main()
