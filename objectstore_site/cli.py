"""The command line: manage.py in a checkout, objectstore-server from a wheel."""

from __future__ import annotations

import os
import sys

from kernel.release import release


def main() -> None:
    """Run a management command; `version` and `--version` name the release."""
    if sys.argv[1:] in (["version"], ["--version"]):
        print(release())
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
