/** One polite live region for the page: a list that is live itself would read out every row that scrolling mounts. */

const HIDDEN = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap';

export function announce(text: string): void {
  region().textContent = text;
}

function region(): HTMLElement {
  const there = document.querySelector<HTMLElement>('[data-parley-announcer]');
  if (there) return there;
  const made = document.createElement('div');
  made.setAttribute('role', 'status');
  made.setAttribute('data-parley-announcer', '');
  made.style.cssText = HIDDEN;
  return document.body.appendChild(made);
}
