"""Backups: an encrypted dump of one snapshot, checked by reading it back, and the restore that proves it."""
