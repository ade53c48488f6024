"""Which of the 16,384 slots of a Redis Cluster a channel belongs to."""

from binascii import crc_hqx

SLOTS = 16_384


def key_slot(channel: bytes) -> int:
    """CRC16 (XMODEM) of the channel, or of what its first `{…}` holds, unless that is empty
    (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags)."""
    start = channel.find(b"{")
    if start >= 0:
        end = channel.find(b"}", start + 1)
        if end > start + 1:
            channel = channel[start + 1 : end]
    return crc_hqx(channel, 0) % SLOTS
