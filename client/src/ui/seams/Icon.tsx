/** React Native draws no paths: pictures made of the same paths, in the colour of the text. */

import type { ReactNode } from 'react';
import { Image } from 'react-native';
import { DIRECTED, type IconProps } from './icon-paths';
import { PICTURES } from './icon-pictures';

export function Icon({ name, color, size = 22, mirrored = false }: IconProps): ReactNode {
  const turned = mirrored && DIRECTED.has(name) ? { transform: [{ scaleX: -1 }] } : null;
  return <Image source={{ uri: PICTURES[name] }} accessible={false} tintColor={color} style={[{ width: size, height: size }, turned]} />;
}
