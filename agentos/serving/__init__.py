"""The processes behind `manage.py serve`: a parent that starts, watches and ends its children."""
