"""Every name that Parley uses in Redis. A channel's subscribers and its publishers agree here, and nowhere else.

What must change together stands under one hash tag (`{…}`), so that it lives on one node of a Redis Cluster.

A deployment's own prefix (REDIS_PREFIX) is no part of these: `RedisClient.named` puts it before a name that is handed
to Redis, and a gateway's bus before its channels. So a gateway keeps no room's name longer than it must be.
"""

from zlib import crc32

PRESENCE_SHARDS = 64
"""Enough to spread presence over the largest cluster we plan for; every gateway subscribes to all of them."""

RECEIPTS = "parley:receipts"
RECEIPTS_GROUP = "persistence"
"""Of both streams."""
UNDELIVERED = "parley:{push}:undelivered"
UNDELIVERED_BULK = "parley:{push}:undelivered:bulk"
"""What a sender has beyond their share of UNDELIVERED; the same group reads it."""
UNDELIVERED_GROUP = "pusher"
DEAD_LETTERS = "parley:{push}:dead"
DEADLINES = "parley:{push}:deadlines"
PUSH_MARKER = "parley:{push}:marker"
"""Holds the database's epoch and the run of Redis. Another tells persistence that Redis may have forgotten."""
PUSH_PACE = "parley:{push}:pace"
"""What was sent to Expo in the last moments, by all pushers."""
PUSH_HALTS = "parley:{push}:halts"
"""A hash, platform -> since when (ms) its pushes wait for credentials that are not refused."""
PUSH_LIFTS = "parley:{push}:lifts"
"""A hash, platform -> when (ms) its last halt ended."""
BURSTS = "parley:{push}:bursts"
"""Sorted set of (conversation, user) that were pushed a moment ago, scored by the time (ms) their window ends."""
GATEWAYS = "parley:gateways"
"""Sorted set of gateway incarnations, scored by the time (ms) their lease ends."""
EPOCHS = "parley:gateways:epochs"
"""A hash, gateway incarnation -> the epoch that it follows: whose a dead one was, whose lease says so no more."""
REVOCATIONS = "parley:revocations"
"""Channel to which every gateway listens: sign-ins whose tokens are refused from now on."""
PROCESSES = "parley:processes"
"""Sorted set of the names of all processes, scored by the time (ms) when they last said how they are."""


def of_epoch(name: str, epoch: str) -> str:
    """What of this name is of one line of history alone, where several deployments share the Redis; on the same node if
    the name has a tag."""
    return f"{name}:of:{epoch}"


def push_probe(platform: str) -> str:
    """Stands while no further probe of a halted platform may go out."""
    return f"parley:{{push}}:probe:{platform}"


def push_probes(platform: str) -> str:
    """A set of the tickets of its probes."""
    return f"parley:{{push}}:probes:{platform}"


def room(conversation_id: str) -> str:
    """Short, as a user's: a gateway keeps a hundred thousand of them, and from 48 characters on each takes 16 bytes
    more."""
    return f"parley:r:{conversation_id}"


def user(user_id: str) -> str:
    return f"parley:u:{user_id}"


def gateway(incarnation: str) -> str:
    return f"parley:gateway:{incarnation}"


def presence_channel(shard: int) -> str:
    return f"parley:presence:{{{shard:02d}}}"


def presence_shard(user_id: str) -> int:
    return crc32(user_id.encode()) % PRESENCE_SHARDS


def presence_channel_of(user_id: str) -> str:
    return presence_channel(presence_shard(user_id))


def presence(user_id: str) -> str:
    """A hash, gateway incarnation -> its connections of the user; on the node of the user's presence channel."""
    return f"{presence_channel_of(user_id)}:{user_id}"


def presence_news(shard: int) -> str:
    """A stream: what was lately told on the shard's channel, for a gateway that did not hear it; beside the channel."""
    return f"{presence_channel(shard)}:news"


def left_at(user_id: str, epoch: str) -> str:
    """When the user went offline (ms since 1970), until Postgres certainly knows it too; beside their presence. Of this
    line of history: another deployment on the same Redis may know a user by the same id."""
    return f"{presence(user_id)}:left:{epoch}"


def minima(conversation_id: str) -> str:
    """Stands while no further minimum of this big group's cursors may be told."""
    return f"parley:minima:{conversation_id}"


def process(name: str) -> str:
    """What a process says of itself, while it runs."""
    return f"parley:process:{name}"


def lease(incarnation: str) -> str:
    return f"parley:lease:{incarnation}"


def probe(name: str) -> str:
    """A key and a channel by which a process proves that Redis works."""
    return f"parley:probe:{name}"


def holders(incarnation: str) -> str:
    """A set: the users whom this incarnation entered into presence, for whoever sweeps it once it is dead."""
    return f"parley:holders:{incarnation}"


def sweep(incarnation: str) -> str:
    """Held by the gateway that sweeps this dead incarnation, so that one does."""
    return f"parley:sweep:{incarnation}"


def burst(member: str) -> str:
    """A hash: the messages that wait for the end of this member's window."""
    return f"parley:{{push}}:burst:{member}"


def push_share(sender_id: str) -> str:
    """How many recipients of this sender came into UNDELIVERED lately."""
    return f"parley:{{push}}:share:{sender_id}"


def user_limit(user_id: str) -> str:
    return f"parley:limit:user:{user_id}"


def key_limit(key_id: str) -> str:
    """Of a server key, whoever it acts as."""
    return f"parley:limit:key:{key_id}"


def address_limit(address: str) -> str:
    return f"parley:limit:address:{address}"


def conversations_limit(user_id: str) -> str:
    """Of those that a user begins."""
    return f"parley:limit:conversations:{user_id}"


def reports_limit(user_id: str) -> str:
    return f"parley:limit:reports:{user_id}"


def people_limit(user_id: str) -> str:
    """Of those whom a user names and whom nobody knew."""
    return f"parley:limit:people:{user_id}"
