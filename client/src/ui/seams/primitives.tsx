/** React Native's own components. */

import { BackHandler, KeyboardAvoidingView, Linking, Platform, Pressable as NativePressable, Text as NativeText, TextInput as NativeInput, useColorScheme, useWindowDimensions, View as NativeView } from 'react-native';
import { useEffect, type ReactNode } from 'react';
import type { LinkProps, Primitives, Style, Styled } from './primitives-types';

export const View = NativeView as unknown as Primitives['View'];
export const Text = NativeText as unknown as Primitives['Text'];
export const Pressable = NativePressable as unknown as Primitives['Pressable'];
export const TextInput = NativeInput as unknown as Primitives['TextInput'];

export const useWindowWidth: Primitives['useWindowWidth'] = () => useWindowDimensions().width;
export const useSystemScheme: Primitives['useSystemScheme'] = () => (useColorScheme() === 'dark' ? 'dark' : 'light');

export function Link({ href, style, children }: LinkProps): ReactNode {
  // Nothing on this phone opens such an address: there is nothing to be done for the reader.
  const open = (): void => void Linking.openURL(href).catch(() => {});
  return <NativeText accessibilityRole="link" onPress={open} style={style}>{children}</NativeText>;
}

/** Styles of the web: none here. */
export function web(_style: Style): Styled {
  return null;
}

/** A screen that stays above the phone's keyboard. */
export function KeyboardRoom({ children, style }: { children: ReactNode; style?: Styled }): ReactNode {
  return <KeyboardAvoidingView style={style} {...(Platform.OS === 'ios' ? { behavior: 'padding' } : {})}>{children}</KeyboardAvoidingView>;
}

/** `isWeb`: Enter sends, the pointer selects text, a label names its element and does not stand for all inside. */
export const isWeb = false;

/** Android's "back", while there is something to go back from. */
export function useBack(goBack: (() => void) | null): void {
  useEffect(() => {
    if (!goBack) return;
    const listening = BackHandler.addEventListener('hardwareBackPress', () => (goBack(), true));
    return () => listening.remove();
  }, [goBack]);
}
