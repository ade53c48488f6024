/** React Native's components in the browser. No other file knows react-native-web. */

import type { ReactNode } from 'react';
import { Pressable as WebPressable, Text as WebText, TextInput as WebInput, useColorScheme, useWindowDimensions, View as WebView } from 'react-native-web';
import type { LinkProps, Primitives, Style, Styled } from './primitives-types';

export const View = WebView as unknown as Primitives['View'];
export const Text = WebText as unknown as Primitives['Text'];
export const Pressable = WebPressable as unknown as Primitives['Pressable'];
export const TextInput = WebInput as unknown as Primitives['TextInput'];

export const useWindowWidth: Primitives['useWindowWidth'] = () => useWindowDimensions().width;
export const useSystemScheme: Primitives['useSystemScheme'] = () => (useColorScheme() === 'dark' ? 'dark' : 'light');

const OUTSIDE = { target: 'blank', rel: 'noopener noreferrer' };

export function Link({ href, style, children }: LinkProps): ReactNode {
  return <WebText href={href} hrefAttrs={OUTSIDE} style={style}>{children}</WebText>;
}

export function web(style: Style): Styled {
  return style;
}

export function KeyboardRoom({ children, style }: { children: ReactNode; style?: Styled }): ReactNode {
  return <View style={style}>{children}</View>;
}

export const isWeb = true;

/** A browser goes back by the page's address. */
export function useBack(_goBack: (() => void) | null): void {}
