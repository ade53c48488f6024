/** Registering this device for push with Expo, and taking it off at sign-out. */

import type { ParleyClient } from '../client';

/** The part of `expo-notifications` that is used. */
export interface ExpoNotificationsLike {
  getPermissionsAsync(): Promise<{ granted: boolean; canAskAgain: boolean }>;
  requestPermissionsAsync(): Promise<{ granted: boolean }>;
  getExpoPushTokenAsync(options: { projectId: string }): Promise<{ data: string }>;
  addPushTokenListener(listener: () => void): { remove(): void };
  setNotificationChannelAsync(id: string, channel: { name: string; importance: number }): Promise<unknown>;
}

export interface PushOptions {
  Notifications: ExpoNotificationsLike;
  /** Expo's, from `Constants.expoConfig.extra.eas.projectId`. */
  projectId: string;
  platform: 'ios' | 'android';
  /** Anything that stays the same on this device: a token that changes then replaces the old one. */
  deviceId?: string;
}

/** The channel that the server names; Android shows nothing that comes on one which does not exist. */
const CHANNEL = 'messages';
/** `AndroidImportance.HIGH` of expo-notifications: heads up, with sound. */
const IMPORTANCE_HIGH = 6;

/**
 * Asks for permission where that is still open, registers this device's token, and again whenever Expo gives another.
 * Resolves to how to stop and take the token off the server, or to null where the user does not allow notifications.
 * Raises what Expo raises (an emulator has no token) and `ApiError`.
 */
export async function registerForPush(client: ParleyClient, options: PushOptions): Promise<(() => Promise<void>) | null> {
  const { Notifications, projectId, platform, deviceId } = options;
  // Android 13 asks for permission only once there is a channel (Expo's push setup guide).
  if (platform === 'android') await Notifications.setNotificationChannelAsync(CHANNEL, { name: 'Messages', importance: IMPORTANCE_HIGH });
  if (!(await isAllowed(Notifications))) return null;
  let token = '';
  const register = async (): Promise<void> => {
    token = (await Notifications.getExpoPushTokenAsync({ projectId })).data;
    await client.registerPushToken({ token, platform, ...(deviceId !== undefined && { deviceId }) });
  };
  await register();
  // A failure here is made good by the registration of the next start.
  const subscription = Notifications.addPushTokenListener(() => void register().catch(() => {}));
  return async () => {
    subscription.remove();
    await client.removePushToken(token);
  };
}

async function isAllowed(Notifications: ExpoNotificationsLike): Promise<boolean> {
  const { granted, canAskAgain } = await Notifications.getPermissionsAsync();
  if (granted || !canAskAgain) return granted;
  return (await Notifications.requestPermissionsAsync()).granted;
}
