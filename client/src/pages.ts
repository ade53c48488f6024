/** Pages of history: older ones, those around a place, and the pinned. Each is asked for once, however often meanwhile. */

import type { Api, MessagePage, PageQuery } from './api';
import type { Page, Room } from './room';
import type { Rooms } from './rooms';
import type { Screens } from './screens';

const PAGE = 50;
const MOST_PINNED = 100;

export class Pages {
  private readonly running = new Map<string, Promise<void>>();

  constructor(
    private readonly api: Api,
    private readonly rooms: Rooms,
    private readonly screens: Screens,
  ) {}

  older(id: string): Promise<void> {
    const running = this.running.get(id);
    if (running) return running;
    const page = this.fetchOlder(id).finally(() => {
      this.running.delete(id);
      this.screens.setLoadingOlder(id, false);
    });
    this.running.set(id, page);
    this.screens.setLoadingOlder(id, true);
    return page;
  }

  /** Gives whether what is around `seq` is among the messages in order; else it is in the window. */
  async around(id: string, seq: number): Promise<boolean> {
    const room = this.rooms.ensure(id);
    const isHere = (): boolean => room.order.cursor !== null && seq >= room.order.floor;
    if (!isHere()) await this.ask(room, { around: seq, limit: PAGE }, (page) => this.takeWindow(room, page));
    return isHere();
  }

  pinned(id: string): Promise<void> {
    const room = this.rooms.ensure(id);
    return this.ask(room, { pinned: true, limit: MOST_PINNED }, (page) => room.put(page));
  }

  private async fetchOlder(id: string): Promise<void> {
    const room = this.rooms.get(id);
    if (!room?.order.hasOlder) return;
    const { floor } = room.order;
    await this.ask(room, { before: floor, limit: PAGE }, (page) => {
      if (room.order.floor === floor) room.prepend(page);
    });
  }

  private takeWindow(room: Room, page: Page): void {
    const seqs = page.messages.map((message) => message.seq);
    // It reaches what is here in order: nothing lies between.
    if (Math.max(...seqs) >= room.order.floor) return room.prepend({ ...page, hasMore: Math.min(...seqs) > 1 });
    room.messages.forgetApart();
    room.put(page);
    this.screens.setWindow(room.id, page.messages.map(({ id }) => id));
  }

  /** Begun anew or forgotten meanwhile (hidden and back, another database): then the page fits nowhere. */
  private async ask(room: Room, query: PageQuery, take: (page: Page) => void): Promise<void> {
    const { begun } = room;
    room.answers.begin();
    try {
      let answer = await this.api.messages(room.id, query);
      for (; room.answers.since() === null; answer = await this.api.messages(room.id, query)) room.answers.restart();
      if (this.rooms.get(room.id) !== room || room.begun !== begun) return;
      take(pageOf(answer));
      this.screens.changed(room.id);
    } finally {
      room.answers.end();
    }
  }
}

function pageOf({ messages, pagination, asOfSeq }: MessagePage): Page {
  return { messages, hasMore: pagination.hasMore, asOfSeq: asOfSeq ?? 0 };
}
