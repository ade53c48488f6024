/** `rejected`: `reason` says what is wrong with the file; `cancelled`; `refused`: the server says no, by `status`. */
export type MediaErrorCode = 'rejected' | 'cancelled' | 'refused';

export class MediaError extends Error {
  constructor(readonly code: MediaErrorCode, message: string, readonly reason: string | null = null, readonly status = 0) {
    super(message);
    this.name = 'MediaError';
  }
}
