import { describe, expect, test } from 'vitest';
import { dark, light, TEXT_PAIRS } from '../../src/ui/theme';

/** WCAG 2.2, 1.4.3. */
const LEAST = 4.5;

/** WCAG's relative luminance of `#rrggbb`. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe.each([light, dark])('the $name theme', ({ color, avatars }) => {
  test.each(TEXT_PAIRS)('%s is legible on %s', (text, ground) => {
    expect(contrast(color[text], color[ground])).toBeGreaterThanOrEqual(LEAST);
  });

  test('a letter is legible on every avatar', () => {
    for (const ground of avatars) expect(contrast(color.onAvatar, ground), ground).toBeGreaterThanOrEqual(LEAST);
  });
});
