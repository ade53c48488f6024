import { describe, expect, test, vi } from 'vitest';
import { createMedia, MediaError, type MediaOptions } from '../src/media';
import { memoryStorage } from '../src/platform';

const ABOUT = { conversationId: 'room', name: 'a.jpg', contentType: 'image/jpeg' };
const quick = { now: () => Date.now(), setTimeout: (run: () => void) => setTimeout(run, 0), clearTimeout: (timer?: ReturnType<typeof setTimeout>) => clearTimeout(timer) };

/** Speaks tus as the server does; `before` may answer, or fail, in its place. */
class Server {
  readonly files = new Map<string, { id: string; size: number; bytes: number[]; state: string; reason: string | null }>();
  readonly asked: string[] = [];
  before: (method: string, path: string, call: number) => Response | 'lost' | undefined = () => undefined;

  fetch = async (url: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const path = String(url).replace('https://x', ''), method = init.method ?? 'GET';
    this.asked.push(`${method} ${path.replace(/[0-9]+/g, 'N')}`);
    init.signal?.throwIfAborted();
    const instead = this.before(method, path, this.asked.length);
    if (instead === 'lost') throw new TypeError('network');
    return instead ?? this.answer(method, path, init);
  };

  private async answer(method: string, path: string, init: RequestInit): Promise<Response> {
    if (path === '/api/attachments') return this.announce(JSON.parse(String(init.body)) as { clientId: string; size: number });
    const file = [...this.files.values()].find(({ id }) => path.split('/')[3]?.startsWith(id))!;
    if (path.endsWith('/link')) return json({ url: `https://x/${this.asked.length}`, expiresAt: new Date(Date.now() + 300_000).toISOString() });
    if (path.endsWith('/state')) return json({ attachment: file });
    if (method === 'DELETE') return new Response(null, { status: 204 });
    if (method === 'PATCH') {
      if (Number((init.headers as Record<string, string>)['Upload-Offset']) !== file.bytes.length) return new Response(null, { status: 409 });
      file.bytes.push(...new Uint8Array(await (init.body as Blob).arrayBuffer()));
      if (file.bytes.length === file.size) file.state = file.reason ? 'rejected' : 'ready';
    }
    return new Response(null, { status: method === 'HEAD' ? 200 : 204, headers: { 'Upload-Offset': String(file.bytes.length) } });
  }

  private announce({ clientId, size }: { clientId: string; size: number }): Response {
    const known = this.files.get(clientId);
    const file = known ?? { id: String(this.files.size + 1), size, bytes: [], state: 'waiting', reason: null };
    this.files.set(clientId, file);
    return json({ attachment: file, upload: { url: `https://x/api/attachments/${file.id}/content` } }, known ? 200 : 201);
  }
}

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });
const bytes = Array.from({ length: 25 }, (_, index) => index);
const file = (): File => new File([new Uint8Array(bytes)], 'a.jpg', { type: 'image/jpeg', lastModified: 1 });
const media = (server: Server, more: Partial<MediaOptions> = {}): ReturnType<typeof createMedia> =>
  createMedia({ url: 'https://x/', token: () => 't', fetch: server.fetch, chunkBytes: 10, clock: quick, ...more });
const only = (server: Server) => [...server.files.values()][0]!;

describe('an upload', () => {
  test('goes in pieces, tells its progress, and gives the file once it is ready', async () => {
    const server = new Server(), seen: number[] = [];
    const upload = await media(server).upload(file(), ABOUT);
    upload.subscribe(({ progress }) => seen.push(progress));
    expect(await upload.done).toMatchObject({ id: '1' });
    expect(only(server).bytes).toEqual(bytes);
    expect(seen).toEqual(expect.arrayContaining([0.4, 0.8, 1]));
    expect(upload.state.status).toBe('ready');
  });

  test('loses nothing to a network that fails, a server that is busy, and an answer that was lost', async () => {
    const server = new Server();
    server.before = (_method, _path, call) => (call % 3 === 0 ? 'lost' : call % 4 === 0 ? new Response(null, { status: call % 8 ? 423 : 503 }) : undefined);
    const upload = await media(server).upload(file(), ABOUT);
    await upload.done;
    expect(only(server).bytes).toEqual(bytes);
  });

  test('asks where to go on when the server has another offset', async () => {
    const server = new Server();
    const upload = await media(server).upload(file(), ABOUT);
    server.before = (method) => {
      if (method === 'PATCH' && only(server).bytes.length === 10) only(server).bytes.push(10, 11, 12);
      return undefined;
    };
    await upload.done;
    expect(only(server).bytes).toEqual(bytes);
  });

  test('goes on after the app was closed, as one and the same file', async () => {
    const server = new Server(), storage = memoryStorage();
    server.before = (method) => (method === 'PATCH' && only(server).bytes.length >= 10 ? 'lost' : undefined);
    await media(server, { storage }).upload(file(), ABOUT);
    await vi.waitFor(() => expect(only(server).bytes.length).toBe(10));
    server.before = () => undefined;
    await (await media(server, { storage }).upload(file(), ABOUT)).done;
    expect(server.files.size).toBe(1);
    expect(only(server).bytes.length).toBe(25);
    expect(await storage.keys('parley.upload')).toEqual([]);
  });

  test('pauses, goes on, and is cancelled on the server too', async () => {
    const server = new Server();
    const upload = await media(server).upload(file(), ABOUT);
    upload.pause();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([upload.state.status, server.files.size && only(server).bytes.length]).toEqual(['paused', 0]);
    upload.resume();
    await upload.done;
    const other = await media(server).upload(file(), { ...ABOUT, name: 'b' });
    await vi.waitFor(() => expect(server.files.size).toBe(2));
    other.cancel();
    await expect(other.done).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('says why a file was rejected or refused', async () => {
    const server = new Server();
    server.before = (method) => {
      if (method === 'PATCH') only(server).reason = 'broken';
      return undefined;
    };
    await expect((await media(server).upload(file(), ABOUT)).done).rejects.toMatchObject({ code: 'rejected', reason: 'broken' });
    server.before = () => new Response(null, { status: 413 });
    await expect((await media(server).upload(file(), ABOUT)).done).rejects.toBeInstanceOf(MediaError);
  });

  test('asks once more with a fresh token', async () => {
    const server = new Server(), token = vi.fn((refresh: boolean) => (refresh ? 'new' : 'old'));
    server.before = (_m, _p, call) => (call === 1 ? new Response(null, { status: 401 }) : undefined);
    await (await media(server, { token }).upload(file(), ABOUT)).done;
    expect(token).toHaveBeenCalledWith(true);
  });
});

test('a link is used again until shortly before its end', async () => {
  const server = new Server();
  let now = Date.now();
  const made = media(server, { clock: { ...quick, now: () => now } });
  await (await made.upload(file(), ABOUT)).done;
  const first = await made.link('1');
  expect(await made.link('1')).toBe(first);
  expect(await made.link('1', 'thumb')).not.toBe(first);
  now += 245_000;
  expect(await made.link('1')).not.toBe(first);
});
