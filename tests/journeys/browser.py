"""A real Chromium without a window, from the machine: nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)
MISSING = (
    "BROWSER JOURNEYS DID NOT RUN: there is no Chromium with its driver here. "
    "Debian: apt-get install chromium chromium-driver; elsewhere set CHROMIUM and CHROMEDRIVER to their paths."
)


def binaries() -> tuple[str, str] | None:
    """Return the paths of browser and driver, or None when one is missing."""
    named = os.environ.get("CHROMIUM")
    browser = next((path for name in ([named] if named else _BROWSERS) if (path := shutil.which(name))), None)
    driver = shutil.which(os.environ.get("CHROMEDRIVER", "chromedriver"))
    return (browser, driver) if browser and driver else None


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def start(profile: Path) -> Chrome:
    """Start a browser with a fresh profile; only loopback resolves in it."""
    found = binaries()
    assert found is not None, MISSING
    options = ChromeOptions()
    options.binary_location, driver = found
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Chrome(options=options, service=ChromeService(driver))
