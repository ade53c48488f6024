/** Files: uploads that go on where they stopped, and addresses of files that are renewed before they end. */

export { createMedia, type Media, type MediaOptions } from './media';
export { MediaError, type MediaErrorCode } from './errors';
export { type FileAbout, type Upload, type UploadState, type UploadStatus } from './upload';
export { downscaled } from './downscale';
