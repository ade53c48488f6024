/** Events about messages that are not here while an answer that may bring them is under way. No I/O. */

import type { DurableFrame } from './protocol';

const MOST_KEPT = 1000;

export class Answers {
  private open = 0;
  private kept: DurableFrame[] = [];
  private overflowed = false;

  /** An answer is asked for. */
  begin(): void {
    this.open++;
  }

  /** To be called once for each `begin`. */
  end(): void {
    if (--this.open > 0) return;
    this.kept = [];
    this.overflowed = false;
  }

  keep(event: DurableFrame): void {
    if (this.open === 0) return;
    if (this.kept.length < MOST_KEPT) this.kept.push(event);
    else this.overflowed = true;
  }

  /** What came since the asking, in order; null where that was too much: the answer may be stale, and is asked for again. */
  since(): readonly DurableFrame[] | null {
    return this.overflowed ? null : this.kept;
  }

  /** Begins to keep anew, for the question that is asked again. */
  restart(): void {
    this.kept = [];
    this.overflowed = false;
  }
}
