import type { ReactNode } from 'react';
import { Image } from 'react-native';
import type { PictureProps } from './media-types';

/** A picture in a box whose size is known before the picture is. */
export function Picture({ uri, label, width, height, radius }: PictureProps): ReactNode {
  return <Image source={{ uri }} accessibilityLabel={label} resizeMode="cover" style={{ width, height, maxWidth: '100%', borderRadius: radius }} />;
}
