/** In browsers: virtua, which mounts what is in sight and holds the place to the pixel when rows come in above. */

import { useImperativeHandle, useLayoutEffect, useRef, type ClipboardEvent, type ReactNode, type RefObject } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { arrowsMove } from './roving';
import type { RowsProps, ScrollerProps } from './scroller-types';

/** Rounding of a browser that zooms. */
const AT_END_PX = 4;
/** Two screens of a phone: the page is here before the reader is. */
const NEAR_START_PX = 1600;
const BUFFER_PX = 500;
const BOX = { overflowY: 'auto', overflowX: 'hidden', flex: 1, minHeight: 0, display: 'flex', flexDirection: 'column', overflowAnchor: 'none', overscrollBehavior: 'contain' } as const;

/** A button in it is as wide as the list. */
const LINE = { display: 'flex', flexDirection: 'column' } as const;

type Box = RefObject<HTMLDivElement | null>;
type List = RefObject<VirtualizerHandle | null>;

/** Where the reader is: at the end, and how far down at the last look. */
interface Place {
  atEnd: boolean;
  top: number;
}

export function Scroller<T>(props: ScrollerProps<T>): ReactNode {
  const { ref, items, keyOf, render, footer, label, startAt, testID } = props;
  const list: List = useRef(null);
  const box: Box = useRef(null);
  const place = useRef<Place>({ atEnd: startAt === undefined, top: 0 });
  const shift = useIsPrepended(items, keyOf);
  const look = useLook(props, list, box, place);
  // Not virtua's own way to its last row, which would stop short of the footer and go on while rows are measured.
  const toEnd = (): void => follow(box.current);
  const toIndex = (index: number): void => {
    place.current.atEnd = false;
    list.current?.scrollToIndex(index, { align: 'center' });
  };
  useImperativeHandle(ref, () => ({ toEnd: () => ((place.current.atEnd = true), toEnd()), toIndex }), [items.length]);
  useLayoutEffect(() => {
    if (startAt !== undefined) toIndex(startAt);
  }, []);
  useLayoutEffect(() => void (place.current.atEnd && toEnd()), [items, footer]);
  useFollow(box, place, look);
  return (
    // Not live: rows that scrolling mounts are no news. What is new is announced by itself.
    // The arrows move between messages; the browser's own keys (page up, home) scroll from within.
    <div
      ref={box} role="log" aria-live="off" aria-label={label} data-testid={testID} style={BOX} onScroll={() => look(true)}
      onCopy={(event) => copyRows(event, box.current, props)} onKeyDown={(event) => arrowsMove(event, '[role=article]')}
    >
      <div style={{ flexGrow: 1 }} role="presentation" />
      <Virtualizer ref={list} scrollRef={box} shift={shift} bufferSize={BUFFER_PX} data={items} onResize={() => look(false)}>
        {(item: T, index) => <div key={keyOf(item)} data-key={keyOf(item)}>{render(item, index)}</div>}
      </Virtualizer>
      {footer}
    </div>
  );
}

/** True for the one render in which rows came in at the front. */
function useIsPrepended<T>(items: readonly T[], keyOf: (item: T) => string): boolean {
  const first = items[0] && keyOf(items[0]);
  const before = useRef(first);
  useLayoutEffect(() => void (before.current = first), [first]);
  return before.current !== undefined && before.current !== first;
}

/** Tells what is in sight, at each scroll and whenever rows or the box change. */
function useLook<T>(props: ScrollerProps<T>, list: List, box: Box, place: RefObject<Place>): (scrolled: boolean) => void {
  const latest = useRef(props);
  useLayoutEffect(() => void (latest.current = props));
  const told = useRef<boolean | null>(null);
  return (scrolled) => {
    const { items, onAtEnd, onNewestInSight, onNearStart } = latest.current;
    const element = box.current;
    if (!element || !list.current || element.clientHeight === 0) return;
    if (scrolled) note(place.current, element);
    const { atEnd } = place.current;
    if (told.current !== atEnd) onAtEnd((told.current = atEnd));
    const newest = newestInSight(list.current, items.length, atEnd);
    if (newest >= 0) onNewestInSight(newest);
    if (element.scrollTop < NEAR_START_PX) onNearStart();
  };
}

/** Only a move upwards leaves the end: rows that turn out taller than thought do not. */
function note(place: Place, { scrollHeight, scrollTop, clientHeight }: HTMLElement): void {
  if (scrollHeight - scrollTop - clientHeight <= AT_END_PX) place.atEnd = true;
  else if (scrollTop < place.top - 1) place.atEnd = false;
  place.top = scrollTop;
}

function newestInSight(handle: VirtualizerHandle, count: number, atEnd: boolean): number {
  if (atEnd) return count - 1;
  const bottom = handle.scrollOffset + handle.viewportSize;
  const index = Math.min(count - 1, handle.findItemIndex(bottom));
  const half = Math.min(handle.getItemSize(index), handle.viewportSize) / 2;
  return handle.getItemOffset(index) + half <= bottom ? index : index - 1;
}

/** A picture that came late, a keyboard, a wider window: who was at the end stays there. */
function useFollow(box: Box, place: RefObject<Place>, look: (scrolled: boolean) => void): void {
  const latest = useRef(look);
  useLayoutEffect(() => void (latest.current = look));
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      if (place.current.atEnd) follow(element);
      latest.current(false);
    });
    for (const part of [element, ...element.children]) observer.observe(part);
    return () => observer.disconnect();
  }, [box, place]);
}

function follow(element: HTMLDivElement | null): void {
  if (element) element.scrollTop = element.scrollHeight;
}

/** One row is copied as it is marked; several are copied with who wrote them and when. */
function copyRows<T>(event: ClipboardEvent, box: HTMLDivElement | null, { items, keyOf, textOf }: ScrollerProps<T>): void {
  const selection = getSelection();
  if (!box || !selection || selection.rangeCount === 0) return;
  const range = selection.getRangeAt(0);
  const rows = [...box.querySelectorAll<HTMLElement>('[data-key]')];
  const marked = new Set(rows.filter((row) => range.intersectsNode(row)).map((row) => row.dataset['key']));
  if (marked.size < 2) return;
  event.preventDefault();
  event.clipboardData.setData('text/plain', items.filter((item) => marked.has(keyOf(item))).map(textOf).join('\n'));
}

export function Rows<T>({ items, keyOf, render, label, testID }: RowsProps<T>): ReactNode {
  const box: Box = useRef(null);
  return (
    <div ref={box} style={BOX} data-testid={testID} onKeyDown={(event) => arrowsMove(event, '[role=button]')}>
      <div role="list" aria-label={label}>
        <Virtualizer scrollRef={box} bufferSize={BUFFER_PX} data={items}>
          {(item: T) => <div key={keyOf(item)} data-key={keyOf(item)} role="listitem" style={LINE}>{render(item)}</div>}
        </Virtualizer>
      </div>
    </div>
  );
}
