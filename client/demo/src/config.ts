/** Who the demo's people are and their development tokens, which only `python -m services up` hands out. */

export interface DemoUser {
  id: string;
  handle: string;
  token: string;
}

export interface DemoConfig {
  users: DemoUser[];
  /** Where push notifications are told, as server-sent events. */
  pushes: string;
}

export async function loadConfig(): Promise<DemoConfig> {
  const response = await fetch('/demo/config', { cache: 'no-store' });
  if (!response.ok) throw new Error(`The server has no demo (HTTP ${response.status}). Start it with “make run”.`);
  return (await response.json()) as DemoConfig;
}

/** The user's token: the one at hand, or after a refusal a new one. */
export function tokenOf(user: DemoUser): (asked: { force: boolean }) => Promise<string> {
  let { token } = user;
  return async ({ force }) => {
    if (force) token = (await loadConfig()).users.find(({ id }) => id === user.id)?.token ?? token;
    return token;
  };
}
