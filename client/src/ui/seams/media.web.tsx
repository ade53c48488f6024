import type { CSSProperties, ReactNode } from 'react';
import type { PictureProps } from './media-types';

const BOX: CSSProperties = { maxWidth: '100%', objectFit: 'cover', display: 'block' };

/** The same by the browser, which fetches it when it nears the window. */
export function Picture({ uri, label, width, height, radius }: PictureProps): ReactNode {
  return <img src={uri} alt={label} width={width} height={height} loading="lazy" draggable={false} style={{ ...BOX, borderRadius: radius }} />;
}
