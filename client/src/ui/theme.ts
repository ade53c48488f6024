/** Design tokens: every colour, size and duration of the kit, in one object that an app may replace in part or whole. */

export interface Theme {
  name: 'light' | 'dark';
  color: Record<ColorRole, string>;
  type: Record<'title' | 'body' | 'small' | 'tiny' | 'jumbo', { fontSize: number; lineHeight: number }>;
  radius: { small: number; medium: number; bubble: number; pill: number };
  /** The least side of whatever one taps: 44 pt, as Apple's guidelines ask. */
  hit: number;
  /** Milliseconds of a transition; 0 where the reader asked for less motion. */
  motion: number;
  /** Grounds of avatars; `onAvatar` is read on each. */
  avatars: readonly string[];
}

export type ColorRole =
  | 'page' | 'surface' | 'raised' | 'text' | 'dim' | 'line' | 'accent' | 'onAccent' | 'accentText' | 'selected' | 'hover' | 'focus'
  | 'mine' | 'onMine' | 'onMineDim' | 'theirs' | 'onTheirs' | 'onTheirsDim' | 'link' | 'mineLink' | 'good' | 'danger' | 'onAvatar' | 'shade';

/** Text and the ground it stands on: a test holds each pair to 4.5, which WCAG 2.2 asks for (1.4.3). */
export const TEXT_PAIRS: readonly (readonly [ColorRole, ColorRole])[] = [
  ['text', 'page'], ['text', 'surface'], ['text', 'raised'], ['text', 'selected'], ['text', 'hover'],
  ['dim', 'page'], ['dim', 'surface'], ['dim', 'raised'], ['dim', 'selected'], ['dim', 'hover'],
  ['onAccent', 'accent'], ['accentText', 'page'], ['accentText', 'surface'], ['accentText', 'selected'], ['accentText', 'hover'], ['good', 'page'],
  ['onMine', 'mine'], ['onMineDim', 'mine'], ['mineLink', 'mine'],
  ['onTheirs', 'theirs'], ['onTheirsDim', 'theirs'], ['link', 'theirs'],
  ['danger', 'page'], ['danger', 'surface'], ['danger', 'raised'],
];

const SHARED = {
  type: {
    title: { fontSize: 17, lineHeight: 23 }, body: { fontSize: 15.5, lineHeight: 21 }, small: { fontSize: 14, lineHeight: 19 },
    tiny: { fontSize: 12, lineHeight: 16 }, jumbo: { fontSize: 42, lineHeight: 52 },
  },
  radius: { small: 6, medium: 12, bubble: 18, pill: 999 },
  hit: 44,
  motion: 150,
  avatars: ['#6d4aa6', '#a83f62', '#24715a', '#a3492b', '#2b5fa3', '#56691f', '#8a4a8f', '#7a5a12'],
};

export const light: Theme = {
  name: 'light', ...SHARED,
  color: {
    page: '#ffffff', surface: '#f3f4f9', raised: '#ffffff', text: '#161a2b', dim: '#5a6078', line: '#e1e4ee', accent: '#5149e0',
    onAccent: '#ffffff', accentText: '#4941d2', selected: '#ebeafd', hover: '#f2f3f9', focus: '#5149e0', mine: '#564ee6', onMine: '#ffffff',
    onMineDim: '#e6e4ff', theirs: '#ffffff', onTheirs: '#161a2b', onTheirsDim: '#5a6078', link: '#3b34c4', mineLink: '#ffffff',
    good: '#0b6a4b', danger: '#b3261e', onAvatar: '#ffffff', shade: 'rgba(20, 22, 50, 0.16)',
  },
};

export const dark: Theme = {
  name: 'dark', ...SHARED,
  color: {
    page: '#14151f', surface: '#0e0f17', raised: '#232634', text: '#eceef8', dim: '#a1a7be', line: '#292c3d', accent: '#8b84ff',
    onAccent: '#100d38', accentText: '#aaa5ff', selected: '#27274a', hover: '#1c1e2b', focus: '#a09aff', mine: '#4a43bd', onMine: '#ffffff',
    onMineDim: '#d6d3ff', theirs: '#232634', onTheirs: '#eceef8', onTheirsDim: '#a9aec4', link: '#b3aeff', mineLink: '#ffffff',
    good: '#5fd3a5', danger: '#ffb0a8', onAvatar: '#ffffff', shade: 'rgba(0, 0, 0, 0.5)',
  },
};

/** The ground of an avatar: always the same for the same name. */
export function avatarColor(theme: Theme, name: string): string {
  const sum = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return theme.avatars[sum % theme.avatars.length] ?? theme.color.accent;
}
