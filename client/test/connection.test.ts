import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectedFrame, FakeSocket, ME, OTHER } from './support/socket';
import { fakeTime, FakePlatform, pass, sleepFor, World } from './support/world';
import type { ParleyClient } from '../src';

let world: World;
let platform: FakePlatform;
beforeEach(() => {
  fakeTime();
  world = new World();
  platform = new FakePlatform();
});
afterEach(() => void vi.useRealTimers());

const status = (client: ParleyClient): string => client.connection.getSnapshot().status;

async function connected(more = {}): Promise<ParleyClient> {
  const client = world.client(platform, more);
  client.connect();
  await pass();
  expect(status(client)).toBe('connected');
  return client;
}

/** Pings that ask for a sign of life, beside those that say what is here. */
function probes(socket: FakeSocket): unknown[] {
  return socket.sentOf('ping').filter((frame) => !('cursors' in frame));
}

test('the token travels as a subprotocol, never in the address', async () => {
  await connected();
  expect(FakeSocket.last.url).toBe('ws://parley.test/messages/subscribe?acks=1');
  expect(FakeSocket.last.protocols).toEqual(['bearer', 'token-me']);
});

test('an open socket is not yet a connection: only the server’s word makes it one', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform);
  client.connect();
  await pass();
  FakeSocket.last.onopen?.();
  await pass();
  expect(status(client)).toBe('connecting');
  FakeSocket.last.receive(connectedFrame());
  expect(status(client)).toBe('connected');
});

test('an attempt that gets no answer is given up after ten seconds', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform);
  client.connect();
  await pass(9_999);
  expect(FakeSocket.all).toHaveLength(1);
  await pass(1);
  expect(FakeSocket.last.isClosed).toBe(true);
  expect(status(client)).toBe('waiting');
});

test('a server that refuses is asked ever more slowly, up to every 30 s', async () => {
  world.server.ws = 'refused';
  world.client(platform, { random: () => 0.999 }).connect();
  const times: number[] = [];
  for (let seen = 0, at = 0; at < 200_000; at += 100) {
    await pass(100);
    if (FakeSocket.all.length > seen) times.push(at);
    seen = FakeSocket.all.length;
  }
  const waits = times.slice(1).map((time, n) => Math.round((time - times[n]!) / 1000));
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30, 30, 30].slice(0, waits.length));
  expect(waits.length).toBeGreaterThan(7);
});

test('a server that accepts and then drops is not stormed: only a stable connection starts the backoff over', async () => {
  const client = await connected();
  for (let n = 0; n < 6; n++) {
    FakeSocket.last.drop();
    await vi.advanceTimersByTimeAsync(client.connection.getSnapshot().retryAt! - Date.now());
    expect(status(client)).toBe('connected');
  }
  FakeSocket.last.drop();
  expect(client.connection.getSnapshot().retryAt! - Date.now()).toBeGreaterThan(10_000);
  await pass(20_000 + 8000);
  FakeSocket.last.drop();
  expect(client.connection.getSnapshot().retryAt! - Date.now()).toBeLessThan(1000);
});

test('the first retries of a broken fleet spread over the server’s own jitter', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform, { random: () => 0.999 });
  client.connect();
  await pass();
  FakeSocket.last.receive(connectedFrame({ reconnectJitterMs: 20_000 }));
  FakeSocket.last.drop(1012);
  expect(client.connection.getSnapshot().retryAt! - Date.now()).toBeGreaterThan(19_000);
});

test('a 4401 asks for a fresh token, at once the first time', async () => {
  const asked: boolean[] = [];
  const getToken = ({ force }: { force: boolean }): string => {
    asked.push(force);
    return force ? 'token-me' : 'expired';
  };
  const client = world.client(platform, { getToken });
  client.connect();
  await pass();
  expect(asked.slice(0, 2)).toEqual([false, true]);
  expect(status(client)).toBe('connected');
  asked.length = 0;
  world.server.http = 'hanging';
  FakeSocket.last.drop();
  await pass(3000);
  expect(asked[0]).toBe(false);
});

test.each([[1013, 'overloaded'], [4429, 'too many frames'], [1009, 'too big']])('after %i, %s, it comes back slowly', async (code) => {
  const client = await connected({ random: () => 0.999 });
  FakeSocket.last.drop(code);
  expect(client.connection.getSnapshot().retryAt! - Date.now()).toBeGreaterThan(7000);
});

test('a gateway that is full says when to come again, and the jitter comes on top', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform, { random: () => 0 });
  client.connect();
  await pass();
  const full = { type: 'error', code: 'unavailable', message: 'This gateway is full', retryAfterMs: 2000 };
  FakeSocket.last.receive(full);
  FakeSocket.last.drop(1013);
  expect(client.connection.getSnapshot().retryAt! - Date.now()).toBe(2250);
});

test('a token that stays refused is not hammered, and the state tells why', async () => {
  const client = world.client(platform, { getToken: () => 'bad' });
  client.connect();
  await pass(10_000);
  expect(FakeSocket.all.length).toBeLessThan(6);
  expect(client.connection.getSnapshot()).toMatchObject({ code: 4401, reason: 'Authentication failed' });
});

test('a code of the 45xx band stops the client until the app connects again', async () => {
  const client = await connected();
  FakeSocket.last.drop(4503, 'revoked');
  await pass(3_600_000);
  expect(client.connection.getSnapshot()).toMatchObject({ status: 'stopped', code: 4503, reason: 'revoked' });
  platform.setOnline(false);
  platform.setOnline(true);
  platform.setActive(false);
  platform.setActive(true);
  await pass(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  client.connect();
  await pass();
  expect(status(client)).toBe('connected');
});

test('one connection too many is tried again after the server’s own time, ever more slowly, and never given up', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform, { random: () => 0.999 });
  client.connect();
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    await pass();
    FakeSocket.last.receive({ type: 'error', code: 'too_many_connections', message: 'Too many connections', retryAfterMs: 5000 });
    FakeSocket.last.drop(4504);
    expect(client.connection.getSnapshot()).toMatchObject({ status: 'waiting', code: 4504, reason: 'Too many connections' });
    waits.push(client.connection.getSnapshot().retryAt! - Date.now());
    await pass(waits.at(-1));
  }
  expect(waits.map((wait) => Math.round(wait / 1000))).toEqual([13, 21, 35, 35, 35, 35, 35, 35]);
  world.server.ws = 'none';
  await pass();
  FakeSocket.last.receive(connectedFrame());
  expect(status(client)).toBe('connected');
});

test('a 4504 on a live socket, or from a server that names no time, is tried again too', async () => {
  const client = await connected();
  FakeSocket.last.receive({ type: 'error', code: 'too_many_connections', message: 'Too many', retryAfterMs: 60_000 });
  FakeSocket.last.drop(4504);
  await pass(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  await pass(9000);
  expect(status(client)).toBe('connected');
  FakeSocket.last.drop(4504);
  await pass(31_000);
  expect(status(client)).toBe('connected');
});

test('a person or a network that comes back does not cut short what the server asked for', async () => {
  const client = await connected();
  FakeSocket.last.receive({ type: 'error', code: 'too_many_connections', message: 'Too many', retryAfterMs: 60_000 });
  FakeSocket.last.drop(4504);
  platform.setOnline(false);
  platform.setOnline(true);
  platform.setActive(false);
  platform.setActive(true);
  await pass(59_000);
  expect(FakeSocket.all).toHaveLength(1);
  client.reconnect();
  await pass();
  expect(status(client)).toBe('connected');
});

test('an error that was long answered is no reason for a later end', async () => {
  const client = await connected();
  FakeSocket.last.receive({ type: 'error', code: 'limited', message: 'slowly', retryAfterMs: 3_600_000, ref: '1' });
  FakeSocket.last.receive({ type: 'pong' });
  FakeSocket.last.drop();
  await pass(5000);
  expect(status(client)).toBe('connected');
});

test('nobody signed in means stopped, without a socket', async () => {
  const client = world.client(platform, { getToken: () => null });
  client.connect();
  await pass(60_000);
  expect(status(client)).toBe('stopped');
  expect(FakeSocket.all).toHaveLength(0);
});

test('a token of another user is refused before anything is sent in their name', async () => {
  const client = world.client(platform, { getToken: () => 'token-other' });
  client.connect();
  await pass(60_000);
  expect(client.connection.getSnapshot()).toMatchObject({ status: 'stopped', code: 4999 });
  expect(FakeSocket.open).toHaveLength(0);
});

test('a provider that throws is asked again later; one that hangs holds nothing up for ever', async () => {
  let calls = 0;
  const getToken = (): Promise<string> => {
    calls++;
    if (calls === 1) throw new Error('offline');
    return calls === 2 ? new Promise(() => {}) : Promise.resolve('token-me');
  };
  const client = world.client(platform, { getToken });
  client.connect();
  await pass(120_000);
  expect(status(client)).toBe('connected');
});

test('one question for a token serves all who want it', async () => {
  let asked = 0;
  const getToken = async (): Promise<string> => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return 'token-me';
  };
  const client = world.client(platform, { getToken });
  client.connect();
  client.send('room', { text: 'one' });
  await pass(50);
  expect(asked).toBe(1);
  await pass(1000);
  expect(status(client)).toBe('connected');
});

test('a token is renewed on the live connection before it runs out', async () => {
  let exp = Date.now() / 1000 + 600;
  const token = (): string => `h.${btoa(JSON.stringify({ exp, iat: exp - 600 }))}.s`;
  world.server.ws = 'silent';
  world.server.http = 'hanging';
  const client = world.client(platform, { getToken: ({ force }) => (force && (exp += 600), token()) });
  client.connect();
  await pass();
  FakeSocket.last.receive(connectedFrame());
  for (let at = 0; at < 530; at += 10) {
    await pass(10_000);
    FakeSocket.last.receive({ type: 'pong' });
  }
  expect(FakeSocket.last.sentOf('auth')).toHaveLength(0);
  await pass(20_000);
  expect(FakeSocket.last.sentOf('auth')).toEqual([{ type: 'auth', token: token() }]);
  expect(FakeSocket.all).toHaveLength(1);
});

test('a token that the provider has renewed by itself is taken without forcing another', async () => {
  const start = Date.now() / 1000;
  const token = (): string => {
    const renewals = Math.floor((Date.now() / 1000 - start) / 500);
    return `h.${btoa(JSON.stringify({ exp: start + 600 + renewals * 500, iat: start }))}.s`;
  };
  const forced = vi.fn();
  world.server.ws = 'silent';
  world.server.http = 'hanging';
  const client = world.client(platform, { getToken: ({ force }) => (force && forced(), token()) });
  client.connect();
  await pass();
  FakeSocket.last.receive(connectedFrame());
  FakeSocket.last.onSend = () => FakeSocket.last.receive({ type: 'pong' });
  await pass(560_000);
  expect(FakeSocket.last.sentOf('auth')).toHaveLength(1);
  expect(forced).not.toHaveBeenCalled();
});

test('a half-open socket is found out by an unanswered ping and replaced', async () => {
  const client = await connected();
  const dead = FakeSocket.last;
  dead.onSend = () => {};
  await pass(34_999);
  expect(status(client)).toBe('connected');
  await pass(1);
  expect(dead.isClosed).toBe(true);
  await pass(2000);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.last).not.toBe(dead);
});

test('any frame is a sign of life: nobody is pinged who talks', async () => {
  await connected();
  for (let n = 0; n < 20; n++) {
    await pass(10_000);
    FakeSocket.last.receive({ type: 'typing.start', conversationId: 'room', senderId: OTHER });
  }
  expect(probes(FakeSocket.last)).toHaveLength(0);
});

test('a timer that slept with its process asks again before it gives a socket up', async () => {
  const client = await connected();
  const socket = FakeSocket.last;
  socket.onSend = () => {};
  await pass(26_000);
  expect(probes(socket)).toHaveLength(1);
  sleepFor(60_000);
  socket.onSend = () => socket.receive({ type: 'pong' });
  await pass(15_000);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.all).toHaveLength(1);
});

test('on `reconnect` the new socket is open before the old one closes', async () => {
  const client = await connected();
  const old = FakeSocket.last;
  const lost = vi.fn();
  client.on('disconnected', lost);
  old.receive({ type: 'reconnect', afterMs: 3000 });
  await pass(2999);
  expect(FakeSocket.all).toHaveLength(1);
  world.server.ws = 'silent';
  await pass(1);
  expect(FakeSocket.open).toHaveLength(2);
  const successor = FakeSocket.last;
  expect(status(client)).toBe('connected');
  successor.receive(connectedFrame({ conversationIds: ['room'], heads: { room: 0 } }));
  expect(old.isClosed).toBe(true);
  expect(FakeSocket.open).toEqual([successor]);
  expect(lost).not.toHaveBeenCalled();
});

test('a handover whose old socket dies first goes on with the new one', async () => {
  const client = await connected();
  const old = FakeSocket.last;
  world.server.ws = 'silent';
  old.receive({ type: 'reconnect', afterMs: 0 });
  await pass();
  old.drop(1012);
  expect(status(client)).toBe('connecting');
  await pass(5000);
  const successor = FakeSocket.last;
  successor.onSend = () => successor.receive({ type: 'pong' });
  successor.receive(connectedFrame());
  expect(status(client)).toBe('connected');
  await pass(60_000);
  expect(FakeSocket.all).toHaveLength(2);
});

test('a refused successor costs the living socket nothing', async () => {
  const client = await connected();
  const old = FakeSocket.last;
  world.server.ws = 'silent';
  old.receive({ type: 'reconnect', afterMs: 0 });
  await pass();
  FakeSocket.last.drop(4504);
  expect(status(client)).toBe('connected');
  world.server.ws = 'none';
  await pass(5000);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.open).toHaveLength(1);
  expect(FakeSocket.open[0]).not.toBe(old);
});

test('30 seconds in the background: the socket is closed after ten, and a new one opens on return', async () => {
  const client = await connected();
  platform.setActive(false);
  expect(FakeSocket.last.sentOf('state')).toEqual([{ type: 'state', active: false }]);
  await pass(9_999);
  expect(FakeSocket.open).toHaveLength(1);
  await pass(20_001);
  expect(status(client)).toBe('asleep');
  expect(FakeSocket.last.closedWith).toBe(1000);
  platform.setActive(true);
  await pass(500);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.all).toHaveLength(2);
});

test.each([30_000, 300_000, 7_200_000])('%i ms suspended without a timer running: the zombie is replaced at once', async (ms) => {
  const client = await connected();
  const zombie = FakeSocket.last;
  zombie.onSend = () => {};
  platform.setActive(false);
  sleepFor(ms);
  platform.setActive(true);
  await pass(500);
  expect(zombie.isClosed).toBe(true);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.open).toHaveLength(1);
  expect(FakeSocket.all).toHaveLength(2);
});

test('a token that expired while the phone slept is replaced on return', async () => {
  let fresh = false;
  let expired = false;
  const client = await connected({ getToken: ({ force }: { force: boolean }) => ((fresh ||= force), force || !expired ? 'token-me' : 'expired') });
  platform.setActive(false);
  await pass(20_000);
  sleepFor(7_200_000);
  expired = true;
  platform.setActive(true);
  await pass(2000);
  expect(fresh).toBe(true);
  expect(status(client)).toBe('connected');
});

test('a glance at the notification centre costs a probe, not a socket', async () => {
  const client = await connected();
  platform.setActive(false);
  await pass(5000);
  platform.setActive(true);
  await pass(5000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(FakeSocket.last.sentOf('state').map((frame) => frame['active'])).toEqual([false, true]);
  expect(probes(FakeSocket.last)).toHaveLength(1);
  expect(status(client)).toBe('connected');
});

test('a connection that begins in the background says that nobody is looking', async () => {
  const client = world.client(platform);
  client.connect();
  platform.setActive(false);
  await pass();
  expect(FakeSocket.last.sentOf('state')).toEqual([{ type: 'state', active: false }]);
});

test('an attempt that the app came back to may still succeed, and is then the only one', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform);
  client.connect();
  await pass();
  platform.setActive(false);
  sleepFor(9000);
  sleepFor(9000);
  platform.setActive(true);
  FakeSocket.last.receive(connectedFrame());
  FakeSocket.last.onSend = () => FakeSocket.last.receive({ type: 'pong' });
  await pass(2000);
  expect(status(client)).toBe('connected');
  expect(FakeSocket.all).toHaveLength(1);
});

test('a storm of active and inactive opens one socket', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform);
  client.connect();
  for (let n = 0; n < 20; n++) {
    platform.setActive(n % 2 === 0);
    await pass(10);
  }
  platform.setActive(true);
  await pass(1000);
  expect(FakeSocket.all).toHaveLength(1);
});

test('the network going away questions the socket; coming back retries at once', async () => {
  const client = await connected();
  FakeSocket.last.onSend = () => {};
  platform.setOnline(false);
  await pass(3000);
  expect(status(client)).toBe('offline');
  world.server.ws = 'refused';
  await pass(10_000);
  world.server.ws = 'none';
  platform.setOnline(true);
  await pass(500);
  expect(status(client)).toBe('connected');
});

test('a platform that wrongly sees no network slows retries down but does not stop them', async () => {
  const client = await connected();
  platform.setOnline(false);
  FakeSocket.last.drop();
  expect(status(client)).toBe('offline');
  await pass(31_000);
  expect(status(client)).toBe('connected');
});

test('a change from wifi to cellular replaces the socket that died of it', async () => {
  const client = await connected();
  const old = FakeSocket.last;
  old.onSend = () => {};
  platform.setOnline(true, true);
  await pass(3000 + 1000);
  expect(old.isClosed).toBe(true);
  expect(status(client)).toBe('connected');
});

test('a network that flaps does not reset the backoff', async () => {
  world.server.ws = 'refused';
  world.client(platform).connect();
  await pass(60_000);
  const before = FakeSocket.all.length;
  for (let n = 0; n < 5; n++) {
    platform.setOnline(false);
    platform.setOnline(true);
    await pass(1000);
  }
  expect(FakeSocket.all.length - before).toBeLessThanOrEqual(5);
});

test('a socket that opens after it was given up is closed (Android)', async () => {
  world.server.ws = 'silent';
  const client = world.client(platform);
  client.connect();
  await pass();
  const late = FakeSocket.last;
  client.disconnect();
  late.isClosed = false;
  late.onopen?.();
  expect(late.isClosed).toBe(true);
  expect(status(client)).toBe('idle');
});

test('a dead socket that reports its end an hour late changes nothing', async () => {
  const client = await connected();
  const dead = FakeSocket.last;
  client.reconnect();
  await pass();
  dead.onclose?.({ code: 4503 });
  dead.onmessage?.({ data: JSON.stringify(connectedFrame()) });
  expect(status(client)).toBe('connected');
  expect(FakeSocket.open).toHaveLength(1);
});

test('connect, disconnect and reconnect in any order leave one socket or none', async () => {
  const client = world.client(platform);
  const acts = [() => client.connect(), () => client.disconnect(), () => client.reconnect(), () => platform.setActive(false), () => platform.setActive(true), () => platform.setOnline(false), () => platform.setOnline(true), () => FakeSocket.open.at(-1)?.drop(), () => FakeSocket.open.at(-1)?.receive({ type: 'reconnect', afterMs: 5 })];
  let seed = 7;
  for (let n = 0; n < 3000; n++) {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    acts[(seed >> 8) % acts.length]?.();
    if (seed % 3 === 0) await pass((seed >> 4) % 700);
    expect(FakeSocket.open.length).toBeLessThanOrEqual(2);
  }
  platform.setActive(true);
  platform.setOnline(true);
  client.connect();
  await pass(60_000);
  expect(FakeSocket.open).toHaveLength(1);
  expect(status(client)).toBe('connected');
  client.disconnect();
  expect(FakeSocket.open).toHaveLength(0);
  await pass(100_000);
  expect(FakeSocket.open).toHaveLength(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('what is no frame is dropped, and what is too big is not sent', async () => {
  const client = await connected();
  for (const data of ['', 'x', '[]', 'null', '{"type":1}', '"a"']) FakeSocket.last.onmessage?.({ data });
  expect(status(client)).toBe('connected');
  expect(() => client.sendFrame({ type: 'auth', token: 'x'.repeat(65_536) })).toThrow(RangeError);
  expect(client.userId).toBe(ME);
});
