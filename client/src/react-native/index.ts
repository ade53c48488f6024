/** What a phone adds to the client. */

export { reactNativePlatform, type AppStateLike, type AsyncStorageLike, type NetInfoLike, type ReactNativeParts } from './platform';
export { registerForPush, type ExpoNotificationsLike, type PushOptions } from './push';
