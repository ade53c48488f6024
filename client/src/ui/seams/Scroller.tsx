/** On phones: React Native's own list, upside down, which is in every app and in Expo Go. */

import { useCallback, useImperativeHandle, useLayoutEffect, useMemo, useRef, type ReactNode } from 'react';
import { FlatList } from 'react-native';
import type { RowsProps, ScrollerProps } from './scroller-types';

const NEAR_END = 80;
const IN_SIGHT = { viewAreaCoveragePercentThreshold: 50 };
/** The row at the end may be new: the one before holds the place. */
const HOLD = { minIndexForVisible: 1, autoscrollToTopThreshold: NEAR_END };
/** Rows that are far away have no height yet: the list is moved near them, and asked again. */
const RETRY_MS = 60;

interface Seen {
  viewableItems: readonly { index: number | null }[];
}

export function Scroller<T>(props: ScrollerProps<T>): ReactNode {
  const { ref, items, keyOf, render, footer, label, onNearStart, onAtEnd, testID } = props;
  const list = useRef<FlatList<T>>(null);
  const reversed = useMemo(() => [...items].reverse(), [items]);
  const last = items.length - 1;
  const toIndex = useCallback((index: number) => list.current?.scrollToIndex({ index: last - index, viewPosition: 0.5 }), [last]);
  useImperativeHandle(ref, () => ({ toEnd: () => list.current?.scrollToOffset({ offset: 0, animated: true }), toIndex }), [toIndex]);
  const seen = useNewestInSight(props);
  const closer = ({ index, averageItemLength }: { index: number; averageItemLength: number }): void => {
    list.current?.scrollToOffset({ offset: index * averageItemLength, animated: false });
    setTimeout(() => toIndex(last - index), RETRY_MS);
  };
  return (
    <FlatList
      ref={list} inverted testID={testID} accessibilityLabel={label} data={reversed} keyExtractor={keyOf}
      renderItem={({ item, index }) => render(item, last - index)}
      ListHeaderComponent={<>{footer}</>} maintainVisibleContentPosition={HOLD}
      onEndReached={onNearStart} onEndReachedThreshold={1} onScrollToIndexFailed={closer}
      onScroll={({ nativeEvent }) => onAtEnd(nativeEvent.contentOffset.y < NEAR_END)} scrollEventThrottle={32}
      viewabilityConfig={IN_SIGHT} onViewableItemsChanged={seen}
      keyboardDismissMode="interactive" keyboardShouldPersistTaps="handled"
    />
  );
}

/** A list takes one such handler for all its life, so this one looks at the latest props. */
function useNewestInSight<T>(props: ScrollerProps<T>): (seen: Seen) => void {
  const latest = useRef(props);
  useLayoutEffect(() => void (latest.current = props));
  return useCallback(({ viewableItems }) => {
    const { items, onNewestInSight } = latest.current;
    const indexes = viewableItems.flatMap(({ index }) => index ?? []);
    if (indexes.length > 0) onNewestInSight(items.length - 1 - Math.min(...indexes));
  }, []);
}

export function Rows<T>({ items, keyOf, render, label, testID }: RowsProps<T>): ReactNode {
  return <FlatList data={items} keyExtractor={keyOf} renderItem={({ item }) => render(item)} accessibilityLabel={label} testID={testID} />;
}
