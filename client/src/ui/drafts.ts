/** What was written and not sent, a text per conversation. Kept in memory, and in storage where there is one. */

import type { KeyValueStorage } from '../platform';

export class Drafts {
  private readonly texts = new Map<string, string>();

  constructor(
    private readonly storage: KeyValueStorage | null,
    private readonly prefix: string,
  ) {}

  /** Of this process; null where it knows none. */
  peek(conversationId: string): string | null {
    return this.texts.get(conversationId) ?? null;
  }

  /** Also of an earlier process. A storage that fails costs the draft, not the chat. */
  async load(conversationId: string): Promise<string> {
    const here = this.peek(conversationId);
    if (here !== null || !this.storage) return here ?? '';
    const kept = await Promise.resolve(this.storage.get(this.prefix + conversationId)).catch(() => null);
    // Written meanwhile: what is newer stands.
    return this.peek(conversationId) ?? kept ?? '';
  }

  save(conversationId: string, text: string): void {
    this.texts.set(conversationId, text);
    void this.store(this.prefix + conversationId, text).catch(() => {});
  }

  private async store(key: string, text: string): Promise<void> {
    await (text === '' ? this.storage?.remove(key) : this.storage?.set(key, text));
  }
}
