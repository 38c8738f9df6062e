"""How a notice leaves: a module for each channel, with `send(notice, words)`. Nothing here logs where it goes."""
