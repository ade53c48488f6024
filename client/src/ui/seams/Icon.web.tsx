import type { ReactNode } from 'react';
import { DIRECTED, PATHS, type IconProps } from './icon-paths';

export function Icon({ name, color, size = 22, mirrored = false }: IconProps): ReactNode {
  const turned = mirrored && DIRECTED.has(name) ? { transform: 'scaleX(-1)' } : undefined;
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke={color} strokeWidth={size < 18 ? 2.6 : 2} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" style={{ flex: 'none', ...turned }}>
      <path d={PATHS[name]} />
    </svg>
  );
}
