"""A real Chromium without a window, from the machine: nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
SIZE = (1280, 1000)
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
    f"--window-size={SIZE[0]},{SIZE[1]}",
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


def renew(driver: Chrome) -> None:
    """Make it what it was when it started: one window on an empty page, nothing kept, nothing in its log.

    But for files that no one may change: to read and parse them anew takes as long as the page they belong to.
    """
    first, *others = driver.window_handles
    for other in others:
        driver.switch_to.window(other)
        driver.close()
    driver.switch_to.window(first)
    origin = urlsplit(driver.current_url)
    driver.get("about:blank")
    everything = {"origin": f"{origin.scheme}://{origin.netloc}", "storageTypes": "all"}
    for command, what in (
        ("Storage.clearDataForOrigin", everything),
        ("Network.clearBrowserCookies", {}),
        ("Emulation.clearDeviceMetricsOverride", {}),
    ):
        driver.execute_cdp_cmd(command, what)
    driver.set_window_size(*SIZE)
    driver.get_log("browser")
