/** One upload, by tus 1.0: in pieces, each from where the server says that the last one ended. */

import type { Attachment } from '../facets';
import type { Clock, Env } from '../platform';
import { MediaError } from './errors';
import type { Http } from './http';

const TUS = { 'Tus-Resumable': '1.0.0' };
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const LOOK_MS = 700;

export interface FileAbout {
  /** Where it is to be sent; none for an avatar. */
  conversationId?: string;
  name: string;
  contentType: string;
  kind?: 'image' | 'video' | 'voice' | 'file' | 'avatar';
  width?: number;
  height?: number;
  durationMs?: number;
  waveform?: readonly number[];
  thumbhash?: string;
  /** A picture of one's own that is ready: the thumbnail of a film. */
  poster?: string;
  encrypted?: boolean;
}

/** `processing`: all of it is there, and the server looks at it. */
export type UploadStatus = 'uploading' | 'paused' | 'processing' | 'ready' | 'failed';

export interface UploadState {
  status: UploadStatus;
  /** From 0 to 1, of the bytes. */
  progress: number;
  attachment: Attachment | null;
}

export interface Upload {
  readonly state: UploadState;
  /** The file once it is ready to be sent. Rejects with `MediaError`. */
  readonly done: Promise<Attachment>;
  subscribe(listener: (state: UploadState) => void): () => void;
  pause(): void;
  resume(): void;
  /** Takes it back, on the server too. */
  cancel(): void;
}

export interface Parts {
  http: Http;
  env: Env;
  chunkBytes: number;
  /** The upload is over, in whatever way. */
  ended: () => void;
}

type Told = Attachment & { state: string; reason: string | null };

export class TusUpload implements Upload {
  state: UploadState = { status: 'uploading', progress: 0, attachment: null };
  readonly done: Promise<Attachment>;
  private readonly listeners = new Set<(state: UploadState) => void>();
  private abort = new AbortController();
  private wake: (() => void) | null = null;
  private isPaused = false;
  private isCancelled = false;
  private address: string | null = null;

  constructor(private readonly parts: Parts, private readonly file: Blob, private readonly about: FileAbout, private readonly clientId: string) {
    this.done = this.run().then(
      (attachment) => (this.show({ status: 'ready', progress: 1, attachment }), attachment),
      (error: unknown) => {
        this.show({ status: 'failed' });
        throw error;
      },
    ).finally(() => parts.ended());
    this.done.catch(() => undefined); // also heard of by `state`
  }

  subscribe(listener: (state: UploadState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  pause(): void {
    if (this.state.status !== 'uploading') return;
    this.isPaused = true;
    this.show({ status: 'paused' });
    this.interrupt();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.show({ status: 'uploading' });
    this.wake?.();
  }

  cancel(): void {
    this.isCancelled = true;
    this.interrupt();
    this.wake?.();
    if (this.address) void this.parts.http.ask('DELETE', this.address, { headers: TUS }, [404, 409]).catch(() => undefined);
  }

  private async run(): Promise<Attachment> {
    const { attachment, upload } = await this.until(() => this.announce());
    this.address = upload.url;
    if (attachment.state === 'waiting') await this.send(upload.url);
    if (this.state.status !== 'processing') this.show({ status: 'processing', progress: 1 });
    return this.settled(attachment.id);
  }

  private async announce(): Promise<{ attachment: Told; upload: { url: string } } | null> {
    const body = { ...this.about, size: this.file.size, clientId: this.clientId };
    const answer = await this.parts.http.json('POST', '/api/attachments', body, this.abort.signal);
    return answer && ((await answer.json()) as { attachment: Told; upload: { url: string } });
  }

  private async send(url: string): Promise<void> {
    let offset = await this.until(() => this.offset(url));
    while (offset < this.file.size) {
      this.show({ progress: offset / this.file.size });
      const reached = await this.until(() => this.patch(url, offset));
      // Another offset than ours: the server knows better.
      offset = reached ?? (await this.until(() => this.offset(url)));
    }
  }

  private async offset(url: string): Promise<number | null> {
    const answer = await this.parts.http.ask('HEAD', url, { headers: TUS, signal: this.abort.signal });
    return answer && Number(answer.headers.get('Upload-Offset'));
  }

  /** Undefined where the server has another offset. */
  private async patch(url: string, offset: number): Promise<number | undefined | null> {
    const headers = { ...TUS, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' };
    const body = this.file.slice(offset, offset + this.parts.chunkBytes);
    const answer = await this.parts.http.ask('PATCH', url, { headers, body, signal: this.abort.signal }, [409]);
    if (!answer) return null;
    return answer.status === 409 ? undefined : Number(answer.headers.get('Upload-Offset'));
  }

  private async settled(id: string): Promise<Attachment> {
    for (;;) {
      const told = await this.until(() => this.told(id));
      if (told.state === 'ready') return told;
      if (told.state === 'rejected') throw new MediaError('rejected', `the file was rejected: ${told.reason}`, told.reason);
      await this.sleep(LOOK_MS);
    }
  }

  private async told(id: string): Promise<Told | null> {
    const answer = await this.parts.http.json('GET', `/api/attachments/${id}/state`, undefined, this.abort.signal);
    return answer && ((await answer.json()) as { attachment: Told }).attachment;
  }

  /** Again and again, ever less often, until it works out; not while paused. */
  private async until<T>(step: () => Promise<T | null>): Promise<T> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      while (this.isPaused && !this.isCancelled) await new Promise<void>((resolve) => (this.wake = resolve));
      if (this.isCancelled) throw new MediaError('cancelled', 'the upload was cancelled');
      const found = await step();
      if (found !== null) return found;
      if (!this.isPaused) await this.sleep(pause * (0.5 + this.parts.env.random()));
    }
  }

  private sleep(ms: number): Promise<void> {
    const { clock }: { clock: Clock } = this.parts.env;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, ms);
      this.wake = () => (clock.clearTimeout(timer), resolve());
    });
  }

  private interrupt(): void {
    this.abort.abort();
    this.abort = new AbortController();
  }

  private show(change: Partial<UploadState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener(this.state);
  }
}
