/** What each kind of durable event does to a conversation. The compiler names the kind that is missing. */

import type { ConversationChangedFrame } from '../facets';
import type { Entry, Messages } from '../messages';
import type { DurableFrame, KnownDurable } from '../protocol';
import { changed } from './changed';
import { deleted } from './deleted';
import { edited } from './edited';
import { added } from './new';
import { pinned } from './pinned';
import { reacted } from './reaction';

/** What an event may change. */
export interface State {
  readonly userId: string;
  readonly messages: Messages;
  change(event: ConversationChangedFrame): void;
}

/** Turns a message that is held into the next one; null leaves it as it is. */
export type Touch<T extends KnownDurable['type']> = (entry: Entry, event: KnownDurable & { type: T }, userId: string) => Entry | null;

type Apply<T extends KnownDurable['type']> = (state: State, event: KnownDurable & { type: T }) => boolean;

const DURABLE: { [T in KnownDurable['type']]: Apply<T> } = {
  'message.new': added,
  'message.edited': touching(edited),
  'message.deleted': touching(deleted),
  'message.reaction': touching(reacted),
  'message.pinned': touching(pinned),
  'conversation.changed': changed,
};

/** False where the message that the event is about is not here. An unknown kind changes nothing. */
export function apply(state: State, event: DurableFrame): boolean {
  const of = (DURABLE as Record<string, ((state: State, event: DurableFrame) => boolean) | undefined>)[event.type];
  return of?.(state, event) ?? true;
}

function touching<T extends Exclude<KnownDurable['type'], 'message.new' | 'conversation.changed'>>(touch: Touch<T>): Apply<T> {
  return ({ messages, userId }, event) => {
    const entry = messages.find((event as { messageId: string }).messageId);
    const next = entry && touch(entry, event, userId);
    if (next) messages.replace(next);
    return entry !== undefined;
  };
}
