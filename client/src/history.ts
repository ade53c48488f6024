/** Lists and messages kept on the device, so that a start without a network shows them. An entry of its own. */

import type { Entry } from './messages';
import type { Env, KeyValueStorage, Timer } from './platform';
import type { Conversation } from './protocol';
import type { Room } from './room';
import type { Rooms } from './rooms';

export interface HistoryOptions {
  /** How many conversations are kept, the most lately active; 50 by itself. */
  conversations?: number;
  /** How many of the newest messages of each; 50 by itself. */
  messages?: number;
}

export interface HistoryParts {
  rooms: Rooms;
  storage: KeyValueStorage;
  env: Env;
  onError(error: unknown): void;
}

/** What the client tells its history. */
export interface Keeper {
  /** Puts what is kept into the rooms, which must be empty; gives whether there was any. */
  load(): Promise<boolean>;
  /** A conversation changed; null: all of them did. */
  changed(conversationId: string | null): void;
}

export type History = (parts: HistoryParts) => Keeper;

interface Kept {
  epoch: string;
  meta: Conversation;
  cursor: number;
  floor: number;
  hasOlder: boolean;
  readSeq: number;
  messages: Entry[];
}

const WRITE_AFTER_MS = 1000;
const FORMAT = 'history1';

/** For `createClient({history: keepHistory()})`. The texts lie in the platform's storage as they are, for this user alone. */
export function keepHistory({ conversations = 50, messages = 50 }: HistoryOptions = {}): History {
  return (parts) => new DeviceHistory(parts, conversations, messages);
}

/** For a sign-out that shall leave nothing on the device. To be called after `disconnect()`. */
export async function clearHistory(storage: KeyValueStorage, userId: string): Promise<void> {
  for (const key of await storage.keys(prefixOf(userId))) await storage.remove(key);
}

function prefixOf(userId: string): string {
  return `parley/${userId}/${FORMAT}/`;
}

class DeviceHistory implements Keeper {
  private readonly prefix: string;
  private readonly dirty = new Set<string>();
  /** Ids that are stored, and when each was last active. */
  private readonly stored = new Map<string, string>();
  private timer: Timer | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: HistoryParts,
    private readonly mostRooms: number,
    private readonly mostMessages: number,
  ) {
    this.prefix = prefixOf(parts.rooms.userId);
  }

  async load(): Promise<boolean> {
    const { storage, rooms, onError } = this.parts;
    try {
      await this.forgetOthers();
      const keys = await storage.keys(this.prefix);
      const all = (await Promise.all(keys.map((key) => this.read(key)))).flatMap((one) => one ?? []);
      const epoch = all[0]?.epoch;
      // Begun meanwhile: what is there is newer. Of another epoch than the rest: half a clearing.
      if (rooms.all().length > 0 || epoch === undefined) return false;
      rooms.epoch = epoch;
      for (const one of all) if (one.epoch === epoch) this.adopt(one);
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
  }

  changed(conversationId: string | null): void {
    const ids = conversationId === null ? [...this.stored.keys()] : [conversationId];
    for (const id of ids) this.dirty.add(id);
    this.timer ??= this.parts.env.clock.setTimeout(() => this.write(), WRITE_AFTER_MS);
  }

  private adopt({ meta, cursor, floor, hasOlder, readSeq, messages }: Kept): void {
    const room = this.parts.rooms.ensure(meta.id);
    room.describe(meta);
    room.readUpTo(readSeq);
    Object.assign(room.order, { cursor, floor, hasOlder });
    for (const entry of messages) room.messages.append(entry);
    this.stored.set(meta.id, activityOf(room));
  }

  /** One device may have had another user before. */
  private async forgetOthers(): Promise<void> {
    const { storage } = this.parts;
    const isOthers = (key: string): boolean => key.split('/')[2] === FORMAT && !key.startsWith(this.prefix);
    for (const key of (await storage.keys('parley/')).filter(isOthers)) await storage.remove(key);
  }

  private async read(key: string): Promise<Kept | null> {
    const text = await this.parts.storage.get(key);
    try {
      return text === null ? null : (JSON.parse(text) as Kept);
    } catch {
      // Half a write of a dying process: the server has it all.
      return null;
    }
  }

  /** All strings are made before the first of them is written: a change meanwhile belongs to the next time. */
  private write(): void {
    this.timer = undefined;
    const changes = [...this.dirty].map((id) => [id, this.textOf(this.parts.rooms.get(id))] as const);
    this.dirty.clear();
    for (const [id, text] of changes) if (text === null) this.stored.delete(id);
    const gone = this.beyond();
    this.writing = this.writing.then(async () => {
      for (const [id, text] of changes) if (text !== null && !gone.includes(id)) await this.put(id, text);
      for (const id of [...gone, ...changes.filter(([, text]) => text === null).map(([id]) => id)]) await this.put(id, null);
    });
  }

  private async put(id: string, text: string | null): Promise<void> {
    const { storage, onError } = this.parts;
    try {
      await (text === null ? storage.remove(this.prefix + id) : storage.set(this.prefix + id, text));
    } catch (error) {
      onError(error);
    }
  }

  /** Takes what is too much out of `stored`, the longest silent first; gives the ids. */
  private beyond(): string[] {
    const byActivity = [...this.stored].sort(([, a], [, b]) => (a < b ? 1 : -1));
    const gone = byActivity.slice(this.mostRooms).map(([id]) => id);
    for (const id of gone) this.stored.delete(id);
    return gone;
  }

  private textOf(room: Room | undefined): string | null {
    const epoch = this.parts.rooms.epoch;
    if (!room?.meta || room.order.cursor === null || epoch === null) return null;
    const { cursor, floor, hasOlder } = room.order;
    const all = room.messages.list;
    const messages = all.slice(-this.mostMessages);
    const isCut = messages.length < all.length;
    this.stored.set(room.id, activityOf(room));
    // The messages tell which is the last one: the list's copy of it may have been deleted since.
    const lastMessage = all.length > 0 || !hasOlder ? null : room.meta.lastMessage;
    const meta = { ...room.meta, lastMessage, unreadCount: room.unread(), lastSeq: Math.max(room.lastSeq, cursor), readSeq: room.readSeq };
    const kept: Kept = { epoch, meta, cursor, floor: isCut ? messages[0]!.seq : floor, hasOlder: hasOlder || isCut, readSeq: room.readSeq, messages };
    return JSON.stringify(kept);
  }
}

function activityOf(room: Room): string {
  return room.messages.list.at(-1)?.createdAt ?? room.meta?.lastMessage?.createdAt ?? room.meta?.createdAt ?? '';
}
