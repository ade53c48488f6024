/** Times in words, by the two parts of Intl that Hermes has: dates and numbers. */

import type { Strings } from './strings';

export interface Times {
  /** 6:02 PM */
  clock(time: string): string;
  /** Today, Yesterday, or the weekday and date; with the year where it is another one. */
  day(time: string): string;
  /** The clock today, else the day and month. */
  short(time: string): string;
  number(value: number): string;
  isSameDay(a: string, b: string): boolean;
  lastSeen(time: string | null): string;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Formatters cost a phone milliseconds each, so one `Times` serves a whole tree. */
export function timesOf(locale: string, strings: Strings, now: () => number = Date.now): Times {
  const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
  const long = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  const dated = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
  const brief = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
  const numbers = new Intl.NumberFormat(locale);
  const short = (time: string): string => (daysAgo(time, now()) === 0 ? clock.format(Date.parse(time)) : brief.format(Date.parse(time)));
  return {
    clock: (time) => clock.format(Date.parse(time)),
    day(time) {
      const days = daysAgo(time, now());
      if (days === 0) return strings.today;
      if (days === 1) return strings.yesterday;
      const sameYear = new Date(time).getFullYear() === new Date(now()).getFullYear();
      return (sameYear ? long : dated).format(Date.parse(time));
    },
    short,
    number: (value) => numbers.format(value),
    isSameDay: (a, b) => startOf(Date.parse(a)) === startOf(Date.parse(b)),
    lastSeen(time) {
      if (!time) return strings.offline;
      const minutes = Math.floor((now() - Date.parse(time)) / MINUTE_MS);
      if (minutes < 1) return strings.lastSeenNow;
      return minutes < 60 ? strings.lastSeenMinutes(minutes) : strings.lastSeen(short(time));
    },
  };
}

/** By the calendar of the reader's own place; a day of 23 hours is one too. */
function daysAgo(time: string, now: number): number {
  return Math.round((startOf(now) - startOf(Date.parse(time))) / DAY_MS);
}

function startOf(time: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
