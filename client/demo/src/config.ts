/** Who the demo's people are and their development tokens, which only `python -m services up` hands out. */

export interface Person {
  id: string;
  handle: string;
}

export interface DemoUser extends Person {
  token: string;
}

export interface DemoConfig {
  users: DemoUser[];
  /** All who ever signed in here. */
  people: Person[];
  /** Where push notifications are told, as server-sent events. */
  pushes: string;
}

export async function loadConfig(): Promise<DemoConfig> {
  const response = await fetch('/demo/config', { cache: 'no-store' });
  if (!response.ok) throw new Error(`The server has no demo (HTTP ${response.status}). Start it with “make run”.`);
  return (await response.json()) as DemoConfig;
}

/** Anybody, by name. Rejects with what is wrong with the name. */
export async function signIn(name: string): Promise<DemoUser> {
  const response = await fetch(`/demo/sign-in?name=${encodeURIComponent(name)}`, { cache: 'no-store' });
  const answer = (await response.json()) as DemoUser & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? `The server has no such person (HTTP ${response.status}).`);
  return answer;
}

/** The user's token: the one at hand, or after a refusal a new one. */
export function tokenOf(user: DemoUser): (asked: { force: boolean }) => Promise<string> {
  let { token } = user;
  return async ({ force }) => {
    if (force) token = (await signIn(user.handle)).token;
    return token;
  };
}
