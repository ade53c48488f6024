import type { ReactElement, ReactNode, Ref } from 'react';

/** What a list of messages needs of whatever scrolls. An app may put a list of its own there (`components.Scroller`). */
export interface ScrollerProps<T> {
  ref?: Ref<ScrollerHandle>;
  /** Oldest first. Rows that come in at the front must not move what is in sight. */
  items: readonly T[];
  keyOf(item: T): string;
  render(item: T, index: number): ReactElement;
  /** After the newest. */
  footer?: ReactNode;
  label: string;
  /** Where the list opens; at its end without. */
  startAt?: number | undefined;
  /** The reader nears the oldest row. Called again and again. */
  onNearStart(): void;
  onAtEnd(atEnd: boolean): void;
  /** The newest row of which at least half is in sight, or half a screen. */
  onNewestInSight(index: number): void;
  /** A row's text for the clipboard, where the reader has marked several rows. */
  textOf(item: T): string;
  testID?: string | undefined;
}

export interface ScrollerHandle {
  toEnd(): void;
  /** Centers the row. */
  toIndex(index: number): void;
}

/** A plain list from the top, for conversations. */
export interface RowsProps<T> {
  items: readonly T[];
  keyOf(item: T): string;
  render(item: T): ReactElement;
  label: string;
  testID?: string | undefined;
}
