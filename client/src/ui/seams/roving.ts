/** One tab stop for a whole list in the browser: the arrow keys move the focus between its rows. */

import type { KeyboardEvent } from 'react';

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 };

/** Focuses the `target` of the row before or after the one that has the focus. Rows carry `data-key`. */
export function arrowsMove(event: KeyboardEvent<HTMLElement>, target: string): void {
  const step = STEPS[event.key];
  const focused = event.target as HTMLElement;
  if (step === undefined || !focused.matches(target)) return;
  event.preventDefault();
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-key]')];
  const at = rows.findIndex((row) => row.contains(focused));
  rows[at + step]?.querySelector<HTMLElement>(target)?.focus();
}
