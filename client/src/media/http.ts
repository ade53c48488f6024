import { MediaError } from './errors';

export interface HttpOptions {
  url: string;
  /** A token; a fresh one where `refresh` says that the last one was refused. */
  token: (refresh: boolean) => Promise<string> | string;
  fetch: typeof fetch;
}

/** What may pass: no network, a server that restarts, too many requests. */
const PASSING = new Set([408, 423, 425, 429, 500, 502, 503, 504]);

export class Http {
  constructor(private readonly options: HttpOptions) {}

  /** Null where it is worth trying again later. Raises `MediaError` where it is not. */
  async ask(method: string, url: string, init: RequestInit = {}, allowed: readonly number[] = []): Promise<Response | null> {
    const response = await this.once(method, url, init, false);
    const answer = response?.status === 401 ? await this.once(method, url, init, true) : response;
    if (!answer || PASSING.has(answer.status)) return null;
    if (answer.ok || allowed.includes(answer.status)) return answer;
    throw new MediaError('refused', `${method} was answered ${answer.status}`, null, answer.status);
  }

  json(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response | null> {
    const init = { ...(signal && { signal }), ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }) };
    return this.ask(method, this.options.url + path, init);
  }

  private async once(method: string, url: string, init: RequestInit, refresh: boolean): Promise<Response | null> {
    const headers = { ...(init.headers as Record<string, string>), Authorization: `Bearer ${await this.options.token(refresh)}` };
    try {
      return await this.options.fetch(url, { ...init, method, headers });
    } catch {
      return null; // aborted, or no network: whoever asked knows which
    }
  }
}
