/** What a text is made of: links, addresses, telephone numbers; or nothing but a few emoji. */

import { LinkifyIt } from 'linkify-it';

export interface Piece {
  text: string;
  /** Null for plain text. */
  href: string | null;
}

const linkify = new LinkifyIt({ fuzzyEmail: true, fuzzyLink: true });
/** A library for telephone numbers is larger than the whole kit (libphonenumber's smallest is 80 KB). */
const PHONE = /(?<![\w.:/-])\+?\(?\d[\d ()/.-]{5,22}\d(?![\w/-])/g;
const DATE_OR_ADDRESS = /^(\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,3}(\.\d{1,3}){3})/;

/** UTS #51's shape of an emoji sequence, by the `u` flag: Hermes takes no `v`. */
const EMOJI = String.raw`(?:\p{RI}\p{RI}|\p{Emoji}(?:\p{EMod}|\uFE0F\u20E3?|[\u{E0020}-\u{E007E}]+\u{E007F})?)`;
const ONLY_EMOJI = new RegExp(String.raw`^(?=.*[\p{RI}\p{Emoji_Presentation}\p{EMod}\uFE0F\u20E3])(?:\s*${EMOJI}(?:\u200D${EMOJI})*){1,6}\s*$`, 'u');
/** The longest sequence has 10 code points; beyond that many nobody means them large. */
const LONGEST_EMOJI = 120;

/** Whether a text is one to six emoji and nothing else. */
export function isOnlyEmoji(text: string): boolean {
  return text.length <= LONGEST_EMOJI && ONLY_EMOJI.test(text);
}

/** A text in pieces that follow each other without a gap. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const link of linkify.match(text) ?? []) {
    pieces.push(...phonesIn(text.slice(at, link.index)), { text: link.text, href: link.url });
    at = link.lastIndex;
  }
  pieces.push(...phonesIn(text.slice(at)));
  return pieces;
}

function phonesIn(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(PHONE)) {
    if (!isPhone(found[0])) continue;
    pieces.push({ text: text.slice(at, found.index), href: null }, { text: found[0], href: `tel:${found[0].replace(/[^\d+]/g, '')}` });
    at = found.index + found[0].length;
  }
  pieces.push({ text: text.slice(at), href: null });
  return pieces.filter((piece) => piece.text !== '');
}

/** Seven to fifteen digits (E.164), international or grouped as people group them. */
function isPhone(text: string): boolean {
  const digits = text.replace(/\D/g, '').length;
  return digits >= 7 && digits <= 15 && /^\+|[ ()/.-]/.test(text) && !DATE_OR_ADDRESS.test(text);
}
