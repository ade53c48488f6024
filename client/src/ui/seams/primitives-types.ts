/** The part of React Native's components that the kit uses, in types of its own: a web app has no React Native to ask. */

import type { ComponentType, ReactNode, Ref } from 'react';

type Length = number | `${number}%` | 'auto';

export interface Style {
  flex?: number; flexGrow?: number; flexShrink?: number; flexBasis?: Length;
  flexDirection?: 'row' | 'row-reverse' | 'column'; flexWrap?: 'wrap';
  alignItems?: 'flex-start' | 'flex-end' | 'center' | 'stretch' | 'baseline';
  alignSelf?: 'flex-start' | 'flex-end' | 'center' | 'stretch';
  justifyContent?: 'flex-start' | 'flex-end' | 'center' | 'space-between';
  gap?: number;
  width?: Length; height?: Length; minWidth?: Length; minHeight?: Length; maxWidth?: Length; maxHeight?: Length; aspectRatio?: number;
  margin?: number; marginTop?: number; marginBottom?: number; marginStart?: number; marginEnd?: number; marginHorizontal?: number; marginVertical?: number;
  padding?: number; paddingTop?: number; paddingBottom?: number; paddingStart?: number; paddingEnd?: number; paddingHorizontal?: number; paddingVertical?: number;
  position?: 'absolute' | 'relative'; top?: number; bottom?: number; start?: number; end?: number; zIndex?: number;
  borderWidth?: number; borderTopWidth?: number; borderBottomWidth?: number; borderStartWidth?: number; borderEndWidth?: number; borderColor?: string;
  borderRadius?: number; borderEndEndRadius?: number; borderEndStartRadius?: number;
  backgroundColor?: string; color?: string; opacity?: number; overflow?: 'hidden'; boxShadow?: string;
  fontSize?: number; lineHeight?: number; fontWeight?: '400' | '500' | '600' | '700'; fontStyle?: 'italic'; fontVariant?: readonly 'tabular-nums'[];
  textAlign?: 'left' | 'right' | 'center' | 'start' | 'end'; textDecorationLine?: 'underline' | 'none';
  /** Of the web alone; React Native knows no such style and is not given any (see `web` of the primitives). */
  overflowWrap?: 'anywhere'; userSelect?: 'none' | 'text'; cursor?: 'auto' | 'pointer'; whiteSpace?: 'pre-wrap';
  transitionProperty?: string; transitionDuration?: string; outlineStyle?: 'solid' | 'none'; outlineWidth?: number; outlineColor?: string; outlineOffset?: number;
}

export type Styled = Style | false | null | undefined | readonly Styled[];

export interface Layout {
  nativeEvent: { layout: { width: number; height: number } };
}

/** A key as the web tells it, and a hardware keyboard's on a phone where React Native does. */
export interface Key {
  key?: string;
  shiftKey?: boolean;
  ctrlKey?: boolean;
  metaKey?: boolean;
  nativeEvent: { key?: string; isComposing?: boolean };
  preventDefault(): void;
  stopPropagation(): void;
}

export interface Pointer {
  clientX: number;
  clientY: number;
  preventDefault(): void;
}

interface Shared {
  children?: ReactNode;
  style?: Styled;
  testID?: string | undefined;
  role?: string | undefined;
  'aria-label'?: string | undefined;
  'aria-hidden'?: boolean;
  'aria-live'?: 'polite' | 'assertive' | 'off';
  'aria-level'?: number;
  'aria-current'?: boolean | undefined;
  'aria-disabled'?: boolean;
  'aria-posinset'?: number;
  'aria-setsize'?: number;
  dir?: 'auto' | 'ltr' | 'rtl';
  lang?: string;
  dataSet?: Readonly<Record<string, string | number | undefined>>;
  tabIndex?: 0 | -1;
  onLayout?(event: Layout): void;
  onKeyDown?(event: Key): void;
  onContextMenu?(event: Pointer): void;
  onMouseEnter?(): void;
  onMouseLeave?(): void;
  onFocus?(event: { target: unknown }): void;
  onBlur?(): void;
}

export interface ViewProps extends Shared {
  accessible?: boolean;
  accessibilityActions?: readonly { name: string; label: string }[];
  onAccessibilityAction?(event: { nativeEvent: { actionName: string } }): void;
  ref?: Ref<unknown>;
}

export interface TextProps extends Shared {
  numberOfLines?: number;
  selectable?: boolean;
  maxFontSizeMultiplier?: number;
}

export interface PressableProps extends Omit<Shared, 'style'> {
  style?: Styled | ((state: { pressed: boolean; hovered?: boolean }) => Styled);
  disabled?: boolean | undefined;
  accessible?: boolean;
  focusable?: boolean;
  hitSlop?: number;
  delayLongPress?: number;
  onPress?(): void;
  onLongPress?(): void;
  ref?: Ref<unknown>;
}

export interface Input {
  focus(): void;
}

export interface TextInputProps extends Omit<Shared, 'onKeyDown'> {
  ref?: Ref<Input>;
  value: string;
  placeholder?: string;
  placeholderTextColor?: string;
  multiline?: boolean;
  maxLength?: number;
  maxFontSizeMultiplier?: number;
  enterKeyHint?: 'send' | 'enter' | 'search';
  onChangeText(text: string): void;
  onContentSizeChange?(event: { nativeEvent: { contentSize: { height: number } } }): void;
  onKeyPress?(event: Key): void;
}

/** Opens an address outside of the app: an anchor on the web, the system's handler on a phone. */
export interface LinkProps {
  href: string;
  style?: Styled;
  children: ReactNode;
}

export interface Primitives {
  View: ComponentType<ViewProps>;
  Text: ComponentType<TextProps>;
  Pressable: ComponentType<PressableProps>;
  TextInput: ComponentType<TextInputProps>;
  Link: ComponentType<LinkProps>;
  useWindowWidth(): number;
  /** `dark` where the system asks for that. */
  useSystemScheme(): 'light' | 'dark';
}
