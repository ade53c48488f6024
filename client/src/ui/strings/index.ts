/** Which words, and which way they run. */

import { de } from './de';
import { en, type Strings } from './en';

export { de } from './de';
export { en, type Strings } from './en';

const TABLES: Readonly<Record<string, Strings>> = { de, en };
const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv']);

function language(locale: string): string {
  return locale.toLowerCase().split(/[-_]/)[0] ?? '';
}

/** The kit's words in this language, or English; an app's own come over them. */
export function stringsOf(locale: string, own: Partial<Strings> = {}): Strings {
  return { ...(TABLES[language(locale)] ?? en), ...own };
}

export function isRightToLeft(locale: string): boolean {
  return RIGHT_TO_LEFT.has(language(locale));
}

/** What the device asks for: Hermes and browsers both answer. */
export function deviceLocale(): string {
  return new Intl.DateTimeFormat().resolvedOptions().locale;
}
