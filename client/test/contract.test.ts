/** The golden frames that the server's tests read too: what one side writes, the other reads. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import clientFrames from '../../tests/contract/client-frames.json';
import closeCodes from '../../tests/contract/close-codes.json';
import rest from '../../tests/contract/rest.json';
import serverFrames from '../../tests/contract/server-frames.json';
import { reactionTo, type ClientFrame, type Conversation, type FrameOf, type SyncAnswer, type WireMessage } from '../src';
import { isDurable, parseFrame, type KnownType } from '../src/protocol';
import { FakeSocket, connectedFrame } from './support/socket';
import { fakeTime, pass, World } from './support/world';

beforeEach(fakeTime);
afterEach(() => void vi.useRealTimers());

type Fields = { [T in KnownType]: (keyof FrameOf<T>)[] };
const room = ['type', 'timestamp', 'conversationId'] as const;
const receipt = [...room, 'messageId', 'seq', 'senderId', 'senderHandle', 'status'] as (keyof FrameOf<'message.read'>)[];

const touched = [...room, 'seq', 'senderId', 'messageId', 'messageSeq'] as const;
/** Told by a server that is newer than these frames. */
const COMING = new Set<string>();

/** Checked by the compiler against the types, and here against the frames. */
const FIELDS: Fields = {
  connected: ['type', 'timestamp', 'userId', 'connectionId', 'conversationIds', 'heads', 'epoch', 'heartbeatSeconds', 'reconnectJitterMs', 'maxFrameBytes'],
  heads: ['type', 'timestamp', 'conversationIds', 'heads', 'last'],
  'message.new': [...room, 'messageId', 'seq', 'senderId', 'senderHandle', 'text', 'status', 'clientId', 'replyTo', 'mediaUrl', 'createdAt'],
  'message.edited': [...touched, 'text', 'rev', 'editedAt'],
  'message.deleted': [...touched, 'deletedBy', 'by'],
  'message.reaction': [...touched, 'emoji', 'on', 'count'],
  'message.pinned': [...touched, 'isPinned'],
  'message.hidden': [...room, 'messageId', 'messageSeq'],
  'conversation.expired': [...room, 'upToSeq', 'unreadCount', 'mentionCount', 'asOfSeq'],
  'scheduled.changed': [...room, 'scheduledId', 'state', 'failure'],
  'attachment.ready': ['type', 'timestamp', 'attachment'],
  'attachment.rejected': ['type', 'timestamp', 'attachment'],
  'conversation.changed': [...room, 'seq', 'senderId', 'participantCount'],
  'message.delivered': receipt,
  'message.read': receipt,
  'receipts.all': [...room, 'deliveredUpTo', 'readUpTo'],
  'typing.start': [...room, 'senderId', 'senderHandle'],
  'typing.stop': [...room, 'senderId', 'senderHandle'],
  sync: [...room, 'lastSeq'],
  'presence.update': [...room, 'userId', 'senderId', 'isOnline', 'lastSeenAt'],
  'conversation.new': [...room, 'conversation'],
  'conversation.left': [...room],
  'conversation.marked': [...room, 'isArchived', 'isPinned', 'isMarkedUnread'],
  draft: [...room, 'text', 'replyTo', 'attachments', 'updatedAt'],
  saved: ['type', 'timestamp', 'messageId', 'on'],
  'user.changed': ['type', 'timestamp', 'userId', 'handle', 'displayName', 'avatarUrl'],
  event: [...room, 'senderId', 'name', 'data'],
  reconnect: ['type', 'timestamp', 'afterMs'],
  error: ['type', 'timestamp', 'code', 'message', 'ref'],
  pong: ['type', 'timestamp'],
  ack: ['type', 'timestamp', 'ref'],
};

test.each(serverFrames)('$name', ({ frame, durable }) => {
  const parsed = parseFrame(JSON.stringify(frame))!;
  expect(parsed).toEqual(frame);
  expect(isDurable(parsed)).toBe(durable);
  const fields = FIELDS[frame.type as KnownType] as string[] | undefined;
  if (fields) expect(Object.keys(frame)).toEqual(expect.arrayContaining(fields));
});

test('every known type has a golden frame, and unknown ones are golden too', () => {
  const types = new Set(serverFrames.map(({ frame }) => frame.type));
  expect([...Object.keys(FIELDS)].filter((type) => !types.has(type) && !COMING.has(type))).toEqual([]);
  expect([...types].some((type) => !(type in FIELDS))).toBe(true);
});

test('a client takes every golden frame without a failure', async () => {
  const world = new World();
  world.server.ws = 'silent';
  const client = world.client();
  const failures = vi.fn();
  client.on('failure', failures);
  client.connect();
  await pass();
  FakeSocket.last.receive(connectedFrame());
  for (const { frame } of serverFrames) if (frame.type !== 'connected') FakeSocket.last.receive(frame);
  await pass(100);
  expect(failures).not.toHaveBeenCalled();
  expect(client.connection.getSnapshot().status).toBe('connected');
});

test.each(closeCodes)('$code, $meaning: $reaction', ({ code, reaction }) => {
  expect(reactionTo(code)).toBe(reaction);
});

test('what the client sends, and the answers it reads, have the golden shapes', () => {
  const frames = clientFrames.map(({ frame }) => frame) as ClientFrame[];
  expect(new Set(frames.map(({ type }) => type))).toEqual(new Set(['ping', 'event', 'join', 'leave', 'typing', 'state', 'delivered', 'read', 'auth']));
  const [conversation] = rest.conversations.answer.conversations satisfies Conversation[];
  const [message] = rest.messages.answer.messages as WireMessage[];
  const sync = rest.sync.answer as SyncAnswer;
  expect(conversation!.lastMessage?.id).toBe(message!.id);
  expect(Object.values(sync.conversations)[0]!.events[0]).toEqual(serverFrames.find(({ frame }) => frame.type === 'message.new')!.frame);
});
