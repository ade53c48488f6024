import { expect, test } from 'vitest';
import { de, en, isRightToLeft, stringsOf } from '../../src/ui/strings';
import { timesOf } from '../../src/ui/times';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const ago = (ms: number): string => new Date(NOW - ms).toISOString();
const DAY = 86_400_000;

test('a device’s language picks the words, and an app’s own come over them', () => {
  expect(stringsOf('de-AT').send).toBe(de.send);
  expect(stringsOf('pt-BR').send).toBe(en.send);
  expect(stringsOf('de', { send: 'Los' })).toMatchObject({ send: 'Los', reply: de.reply });
  expect(['ar', 'he-IL', 'de', 'en'].map(isRightToLeft)).toEqual([true, true, false, false]);
});

test('every language has all words', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test('times are words of the language', () => {
  const times = timesOf('de', de, () => NOW);
  expect([times.day(ago(0)), times.day(ago(DAY))]).toEqual(['Heute', 'Gestern']);
  expect(times.day(ago(3 * DAY))).toBe('Donnerstag, 19. November');
  expect(times.day(ago(400 * DAY))).toContain('2025');
  expect([times.lastSeen(null), times.lastSeen(ago(1000)), times.lastSeen(ago(5 * 60_000))]).toEqual(['offline', 'gerade eben da', 'vor 5 Min. da']);
  expect(timesOf('ar-EG', en, () => NOW).number(12)).toBe('١٢');
});
