import { useState, type ReactNode } from 'react';
import { useTheme } from './kit';
import { Pressable, web } from './seams/primitives';
import type { PressableProps, Styled } from './seams/primitives-types';

export interface PressyProps extends Omit<PressableProps, 'style'> {
  /** What a screen reader says; left out where the content says it. */
  label?: string | undefined;
  style?: Styled;
  /** Under the pointer; a tint by itself. */
  hover?: Styled;
  children: ReactNode;
}

const BASE = { minWidth: 44, minHeight: 44, alignItems: 'center', justifyContent: 'center' } as const;

/** A control of at least 44 by 44, with a ring while the keyboard is on it. */
export function Pressy({ label, style, hover, disabled, onFocus, onBlur, ...rest }: PressyProps): ReactNode {
  const { color, motion } = useTheme();
  const [ring, setRing] = useState(false);
  const ringed = web({ outlineStyle: 'solid', outlineWidth: 2, outlineColor: color.focus, outlineOffset: -2 });
  return (
    <Pressable
      role="button" aria-label={label} disabled={disabled} {...rest}
      onFocus={(event) => (setRing(isByKeyboard(event.target)), onFocus?.(event))}
      onBlur={() => (setRing(false), onBlur?.())}
      style={({ hovered, pressed }) => [
        BASE, web({ transitionProperty: 'background-color', transitionDuration: `${motion}ms`, outlineStyle: 'none' }), style,
        hovered && !disabled && (hover ?? { backgroundColor: color.hover }), pressed && { opacity: 0.75 }, ring && ringed,
      ]}
    />
  );
}

/** A phone's element matches nothing, and its system draws its own ring. */
export function isByKeyboard(target: unknown): boolean {
  const element = target as { matches?(selector: string): boolean } | null;
  return element?.matches?.(':focus-visible') ?? false;
}
