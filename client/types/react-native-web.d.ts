/** react-native-web has no types of its own. The kit gives its components those of seams/primitives-types.ts. */
declare module 'react-native-web' {
  import type { ComponentType } from 'react';

  type Untyped = ComponentType<Record<string, unknown>>;
  export const Pressable: Untyped;
  export const Text: Untyped;
  export const TextInput: Untyped;
  export const View: Untyped;
  export function useColorScheme(): 'light' | 'dark' | null;
  export function useWindowDimensions(): { width: number; height: number };
}
