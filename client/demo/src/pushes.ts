/** The push notifications that the server would hand to Expo, shown on the demo's phones instead. */

import { useEffect, useState } from 'react';

export interface Push {
  key: number;
  userId: string;
  title: string;
  body: string;
  data: { conversationId: string; messageId: string; seq: number };
  at: Date;
}

const MOST_SHOWN = 20;
let lastKey = 0;

/** Newest first. The browser opens the stream again by itself when it breaks. */
export function usePushes(url: string): { pushes: Push[]; dismiss(gone: (push: Push) => boolean): void } {
  const [pushes, setPushes] = useState<Push[]>([]);
  useEffect(() => {
    const source = new EventSource(url);
    source.onmessage = ({ data }: MessageEvent<string>) => {
      const push = JSON.parse(data) as Omit<Push, 'key' | 'at'>;
      const next = { ...push, key: ++lastKey, at: new Date() };
      setPushes((shown) => (shown.some((one) => isSame(one, next)) ? shown : [next, ...shown.filter((one) => !isReplaced(one, next))].slice(0, MOST_SHOWN)));
    };
    return () => source.close();
  }, [url]);
  return { pushes, dismiss: (gone) => setPushes((shown) => shown.filter((push) => !gone(push))) };
}

/** A push goes to each device of its user, and both phones may be one user's. */
function isSame(a: Push, b: Push): boolean {
  return a.userId === b.userId && a.data.messageId === b.data.messageId;
}

/** As phones do: of one conversation the newest alone. */
function isReplaced(shown: Push, next: Push): boolean {
  return shown.userId === next.userId && shown.data.conversationId === next.data.conversationId;
}
