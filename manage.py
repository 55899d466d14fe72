#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "boz.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"Boz cannot start: {error}\n")
        raise SystemExit(2) from None
    except (OperationalError, ProgrammingError) as error:
        reason = str(error).strip().splitlines()[0]
        sys.stderr.write(
            f"The database does not answer as expected: {reason}\n"
            "Is it running and set up? Run manage.py migrate, then manage.py doctor.\n"
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
