import { expect, test } from 'vitest';
import { isOnlyEmoji, piecesOf } from '../../src/ui/text';

const links = (text: string): (string | null)[] => piecesOf(text).flatMap(({ href }) => href ?? []);

test.each([
  ['see https://parley.example/docs?x=1, please', ['https://parley.example/docs?x=1']],
  ['www.parley.org and ada@parley.org', ['http://www.parley.org', 'mailto:ada@parley.org']],
  ['call +49 30 901820 or (030) 90 18 20', ['tel:+4930901820', 'tel:030901820']],
  ['javascript:alert(1)', []],
  ['on 2026-12-01, from 10.0.0.12, 1 234 567', ['tel:1234567']],
  ['room 1234567890', []],
  ['on 24.12.2026', []],
])('%s: what one can open becomes a link', (text, found) => {
  expect(links(text)).toEqual(found);
});

test('the pieces of a text are the text', () => {
  const text = 'a https://b.example c +49 30 901820 d';
  expect(piecesOf(text).map((piece) => piece.text).join('')).toBe(text);
});

test.each(['👍', '🎉👩‍👩‍👧‍👦🇪🇺', '❤️', '1️⃣', '👋🏽 👋🏿', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'])('%s is large', (text) => expect(isOnlyEmoji(text)).toBe(true));
test.each(['', '7', '#', 'a 👍', '👍👍👍👍👍👍👍', '©'])('%s is not large', (text) => expect(isOnlyEmoji(text)).toBe(false));

test('a long text costs no time to tell from emoji', () => {
  expect(isOnlyEmoji('👍 '.repeat(4000))).toBe(false);
});
