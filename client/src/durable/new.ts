import { entryOf } from '../messages';
import type { MessageNewFrame } from '../protocol';
import type { State } from './index';

/** What this user hid for themselves takes its place and shows nothing. */
export function added({ messages }: State, event: MessageNewFrame): boolean {
  if (!event.hidden) messages.append(entryOf(event));
  return true;
}
