"""The demo page in a real Chromium against the real stack. Skipped where the page is not built or no browser is."""
