"""Formats that Django asks for by name; the others are its own."""

DATETIME_FORMAT = "Y-m-d H:i T"  # with the zone: who reads it may live in another one
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
