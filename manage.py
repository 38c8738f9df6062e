#!/usr/bin/env python3
"""The command line of the project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentos.settings")
    import django
    from django.core.management import execute_from_command_line

    from agentos.core.errors import AgentOSError
    from agentos.postgres import PostgresError
    from agentos.provision import ProvisionError
    from agentos.serving import memory

    try:
        with memory.importing():
            django.setup()
        execute_from_command_line(sys.argv)
    except (AgentOSError, PostgresError, ProvisionError) as error:
        sys.exit(f"AgentOS can't start. {error}")


if __name__ == "__main__":
    main()
