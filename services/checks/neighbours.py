"""What else a service asks over HTTP: persistence's internal port, and the issuer's key set."""

import aiohttp
import msgspec

from services.checks.finding import Finding, error, ok, warning
from shared import api
from shared.redact import redact_text
from shared.settings import Settings

TIMEOUT = aiohttp.ClientTimeout(total=5.0)


async def persistence(settings: Settings) -> Finding:
    """Reached, and with this SERVICE_TOKEN: by the smallest question there is."""
    url = (settings.persistence_url or "").rstrip("/")
    headers = {"Authorization": f"Bearer {settings.service_token}", "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as http,
            http.post(url + api.HEADS, data=msgspec.json.encode(api.HeadsRequest()), headers=headers) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
        return error("PERSISTENCE_URL", f"does not answer: {redact_text(str(failure) or type(failure).__name__)}")
    if status == 401:
        return error("SERVICE_TOKEN", "is refused by PERSISTENCE_URL")
    if status != 200:
        return error("PERSISTENCE_URL", f"answers {status}: is it persistence's internal port?")
    return ok("PERSISTENCE_URL", "answers, and knows SERVICE_TOKEN")


async def key_set(settings: Settings) -> Finding:
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http, http.get(settings.jwt_jwks_url or "") as response:
            if response.status != 200:
                return error("JWT_JWKS_URL", f"answers {response.status}")
            keys = (await response.json(content_type=None))["keys"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as failure:
        return error("JWT_JWKS_URL", f"gives no key set: {redact_text(str(failure) or type(failure).__name__)}")
    usable = [key for key in keys if isinstance(key, dict) and key.get("kty") in ("RSA", "EC")]
    if not usable:
        word = "has no key for RS256 or ES256"
        return warning("JWT_JWKS_URL", word) if settings.jwt_secrets else error("JWT_JWKS_URL", word)
    return ok("JWT_JWKS_URL", f"has {len(usable)} keys")
