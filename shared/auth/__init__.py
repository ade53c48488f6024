"""Who somebody is, as their token says: verifying it, the keys it is signed with, and making one."""

from shared.auth.identity import Identity, Reason, Rejected
from shared.auth.jwks import JwksCache
from shared.auth.mint import mint
from shared.auth.profile import Profile
from shared.auth.verify import TokenVerifier, check_secret

__all__ = ["Identity", "JwksCache", "Profile", "Reason", "Rejected", "TokenVerifier", "check_secret", "mint"]
