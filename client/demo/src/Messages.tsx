import type { ChatMessage } from '@parley/client';
import { useMarkRead, type MessagesHandle } from '@parley/client/react';
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { Bubble } from './Bubble';
import { day } from './format';
import { Icon } from './icons';

interface Props {
  id: string;
  list: MessagesHandle;
  isGroup: boolean;
  nameOf(userId: string): string;
  typists: readonly string[];
}

/** How close to the end still counts as reading along. */
const NEAR_END_PX = 80;
/** Of a message: as much in sight counts as seen. */
const HALF = 0.5;
/** When the browser tells: often enough for a message that is many screens tall. */
const STEPS = Array.from({ length: 21 }, (_, step) => step / 20);

export function Messages({ id, list, isGroup, nameOf, typists }: Props): ReactNode {
  const { messages, hasOlder, isLoadingOlder, isLoaded, loadOlder } = list;
  const { box, atEnd, toEnd } = useStickyEnd(messages, typists.length);
  useMarkRead(id, { upTo: useNewestInSight(box, messages) });
  const top = useOlderOnSight(hasOlder && !isLoadingOlder, loadOlder);
  return (
    <div className="scroll-frame">
      <div className="scroll messages" ref={box} role="log" aria-label="Messages" tabIndex={0}>
        {hasOlder && (
          <button className="older" ref={top} disabled={isLoadingOlder} onClick={() => void loadOlder().catch(() => {})}>
            {isLoadingOlder ? 'Loading…' : 'Older messages'}
          </button>
        )}
        {!isLoaded && messages.length === 0 && <p className="empty">Loading…</p>}
        {isLoaded && messages.length === 0 && <p className="empty">No message yet. Say hello 👋</p>}
        {messages.map((message, at) => (
          <Item key={message.key} message={message} before={messages[at - 1]} after={messages[at + 1]} isGroup={isGroup} nameOf={nameOf} list={list} />
        ))}
        {typists.length > 0 && (
          <div className="bubble-line theirs" aria-hidden="true"><div className="bubble dots"><i /><i /><i /></div></div>
        )}
      </div>
      {!atEnd && <button className="to-end" onClick={toEnd} aria-label="To the newest message"><Icon name="down" /></button>}
    </div>
  );
}

interface ItemProps extends Pick<Props, 'isGroup' | 'nameOf' | 'list'> {
  message: ChatMessage;
  before: ChatMessage | undefined;
  after: ChatMessage | undefined;
}

function Item({ message, before, after, isGroup, nameOf, list }: ItemProps): ReactNode {
  const newDay = !before || day(before.createdAt) !== day(message.createdAt);
  const first = newDay || before.senderId !== message.senderId;
  const last = after?.senderId !== message.senderId || day(after.createdAt) !== day(message.createdAt);
  const author = isGroup && !message.isMine && first ? nameOf(message.senderId) : null;
  return (
    <>
      {newDay && <p className="day">{day(message.createdAt)}</p>}
      <Bubble message={message} first={first} last={last} author={author} onRetry={list.retry} onDiscard={list.discard} />
    </>
  );
}

/** Follows the end while the reader is there, and keeps their place when older messages come in above. */
function useStickyEnd(messages: readonly ChatMessage[], extra: number): { box: React.RefObject<HTMLDivElement | null>; atEnd: boolean; toEnd(): void } {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const sticky = useRef(true);
  const before = useRef({ first: '', last: '', height: 0 });
  useEffect(() => {
    const element = box.current;
    const note = (): void => {
      if (!element) return;
      sticky.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
      setAtEnd(sticky.current);
    };
    element?.addEventListener('scroll', note, { passive: true });
    return () => element?.removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const [first, last] = [messages[0]?.key ?? '', messages[messages.length - 1]];
    const wrote = last?.isMine === true && last.key !== before.current.last;
    if (sticky.current || wrote) element.scrollTop = element.scrollHeight;
    else if (first !== before.current.first) element.scrollTop += element.scrollHeight - before.current.height;
    before.current = { first, last: last?.key ?? '', height: element.scrollHeight };
  }, [messages, extra]);
  const toEnd = (): void => box.current?.scrollTo({ top: box.current.scrollHeight, behavior: 'smooth' });
  return { box, atEnd, toEnd };
}

/** The seq of the newest message that came into sight; null before any did. */
function useNewestInSight(box: React.RefObject<HTMLElement | null>, messages: readonly ChatMessage[]): number | null {
  const [newest, setNewest] = useState<number | null>(null);
  useEffect(() => {
    const note = (entries: IntersectionObserverEntry[]): void => {
      const seqs = entries.filter(isInSight).map(({ target }) => Number((target as HTMLElement).dataset['seq']));
      setNewest((before) => (seqs.length > 0 ? Math.max(before ?? 0, ...seqs) : before));
    };
    const observer = new IntersectionObserver(note, { root: box.current, threshold: STEPS });
    for (const line of box.current?.querySelectorAll('[data-seq]') ?? []) observer.observe(line);
    return () => observer.disconnect();
  }, [box, messages]);
  return newest;
}

/** Half of it, or where it is taller than the screen as much as the screen holds. */
function isInSight({ isIntersecting, intersectionRatio, intersectionRect, rootBounds }: IntersectionObserverEntry): boolean {
  return isIntersecting && (intersectionRatio >= HALF || intersectionRect.height >= (rootBounds?.height ?? Infinity) * HALF);
}

function useOlderOnSight(enabled: boolean, load: () => Promise<void>): React.RefObject<HTMLButtonElement | null> {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const button = ref.current;
    if (!enabled || !button) return;
    const observer = new IntersectionObserver(([entry]) => {
      // A failure leaves the button, for another try by hand.
      if (entry?.isIntersecting) load().catch(() => {});
    });
    observer.observe(button);
    return () => observer.disconnect();
  }, [enabled, load]);
  return ref;
}
