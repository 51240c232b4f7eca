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
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"It cannot start so. {error}")
    except (OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(
            f"The database does not answer: {str(error).strip()}\n"
            "See that it runs and that DATABASE_URL leads to it; a new one is prepared "
            "by manage.py migrate."
        )


if __name__ == "__main__":
    main()
