import { memoryStorage, systemClock, uniqueId, type Clock, type KeyValueStorage } from '../platform';
import { MediaError } from './errors';
import { Http, type HttpOptions } from './http';
import { TusUpload, type FileAbout, type Upload } from './upload';

const CHUNK_BYTES = 1024 * 1024;
/** A link is renewed so long before its end: whoever begins to load by it has that long. */
const RENEW_MS = 60_000;
const MOST_LINKS = 500;

export interface MediaOptions extends Omit<HttpOptions, 'fetch'> {
  fetch?: typeof fetch;
  /** Keeps what an upload needs to go on after the app was closed. */
  storage?: KeyValueStorage;
  /** Bytes of one request: progress is told, and a pause takes hold, after each. */
  chunkBytes?: number;
  /** Makes a picture smaller before it goes, such as `downscaled`. */
  prepare?: (file: Blob, about: FileAbout) => Promise<Blob>;
  clock?: Clock;
  random?: () => number;
}

interface Link {
  url: string;
  expiresAt: string;
}

export interface Media {
  /** Goes on where an earlier upload of the same file to the same conversation stopped, in this life of the app or another. */
  upload(file: Blob, about: FileAbout): Promise<Upload>;
  /** An address for `<img>` and players, good for at least a minute. Raises `MediaError`. */
  link(attachmentId: string, variant?: 'thumb'): Promise<string>;
  /** Forgets all addresses: for a sign-out. */
  forget(): void;
}

export function createMedia({ storage = memoryStorage(), chunkBytes = CHUNK_BYTES, prepare, ...options }: MediaOptions): Media {
  const env = { clock: options.clock ?? systemClock, random: options.random ?? Math.random };
  const http = new Http({ url: options.url.replace(/\/$/, ''), token: options.token, fetch: options.fetch ?? ((...asked) => globalThis.fetch(...asked)) });
  const links = new Map<string, Promise<Link>>();

  async function clientIdOf(key: string): Promise<string> {
    const known = await storage.get(key);
    if (known) return known;
    const made = uniqueId(env.random);
    await storage.set(key, made);
    return made;
  }

  async function newLink(attachmentId: string, variant: 'thumb' | undefined): Promise<Link> {
    const answer = await http.json('POST', `/api/attachments/${attachmentId}/link`, variant ? { variant } : {});
    if (!answer) throw new MediaError('refused', 'the server cannot be reached');
    return (await answer.json()) as Link;
  }

  return {
    async upload(file, about) {
      const sent = prepare && about.kind === 'image' ? await prepare(file, about) : file;
      const key = keyOf(sent, about);
      const clientId = await clientIdOf(key);
      return new TusUpload({ http, env, chunkBytes, ended: () => void storage.remove(key) }, sent, about, clientId);
    },

    async link(attachmentId, variant) {
      const key = `${attachmentId} ${variant ?? ''}`;
      const known = await links.get(key)?.catch(() => null);
      if (known && Date.parse(known.expiresAt) - env.clock.now() > RENEW_MS) return known.url;
      const asked = newLink(attachmentId, variant);
      links.delete(key);
      links.set(key, asked);
      if (links.size > MOST_LINKS) links.delete(links.keys().next().value as string);
      return (await asked).url;
    },

    forget: () => links.clear(),
  };
}

/** What tells a file from others, as far as a page may know it. */
function keyOf(file: Blob, about: FileAbout): string {
  const changed = 'lastModified' in file ? String((file as File).lastModified) : '';
  return ['parley.upload', about.conversationId ?? '', about.kind ?? '', about.name, file.size, file.type, changed].join('|');
}
