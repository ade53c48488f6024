/** The browser's own dialog: the top layer, focus kept inside and given back, Escape. */

import { useLayoutEffect, useRef, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import type { OverlayProps } from './overlay-types';

const EDGE = 8;
const FRAME = { position: 'fixed', padding: 0, border: 0, background: 'transparent', overflow: 'visible' } as const;

export function Overlay({ label, at, onClose, children }: OverlayProps): ReactNode {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    const opener = document.activeElement;
    dialog.showModal();
    if (at) place(dialog, at);
    return () => {
      dialog.close();
      if (opener instanceof HTMLElement) opener.focus({ preventScroll: true });
    };
  }, []);
  const outside = (target: EventTarget): void => void (target === ref.current && onClose());
  return createPortal(
    <dialog
      ref={ref} aria-label={label} onCancel={(event) => (event.preventDefault(), onClose())} onClick={({ target }) => outside(target)}
      style={{ ...FRAME, margin: at ? 0 : 'auto' }}
    >
      {children}
    </dialog>,
    document.body,
  );
}

/** Where it was asked for, and inside of the window. */
function place(dialog: HTMLDialogElement, { x, y }: { x: number; y: number }): void {
  const { width, height } = dialog.getBoundingClientRect();
  dialog.style.left = `${Math.max(EDGE, Math.min(x, innerWidth - width - EDGE))}px`;
  dialog.style.top = `${Math.max(EDGE, Math.min(y, innerHeight - height - EDGE))}px`;
}
