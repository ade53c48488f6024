import { createClient, type ParleyClient } from '@parley/client';
import { reactNativePlatform, registerForPush } from '@parley/client/react-native';
import AsyncStorage from '@react-native-async-storage/async-storage';
import NetInfo from '@react-native-community/netinfo';
import Constants from 'expo-constants';
import * as Notifications from 'expo-notifications';
import { AppState, Platform } from 'react-native';
import { supabase } from './supabase';

const platform = reactNativePlatform({ AppState, NetInfo, AsyncStorage });

/** One client per signed-in user. */
export function clientOf(userId: string, handle: string): ParleyClient {
  return createClient({ url: process.env.EXPO_PUBLIC_PARLEY_URL ?? '', userId, handle, getToken, platform });
}

async function getToken({ force }: { force: boolean }): Promise<string | null> {
  const { data, error } = force ? await supabase.auth.refreshSession() : await supabase.auth.getSession();
  // No network is no sign-out: thrown, it is asked again later.
  if (error && error.status !== 400) throw error;
  return data.session?.access_token ?? null;
}

/** Registers this device for push; resolves to what takes it off again at sign-out. */
export function registerDevice(client: ParleyClient): Promise<(() => Promise<void>) | null> {
  return registerForPush(client, {
    Notifications,
    projectId: (Constants.expoConfig?.extra as { eas?: { projectId?: string } } | undefined)?.eas?.projectId ?? '',
    platform: Platform.OS === 'ios' ? 'ios' : 'android',
  });
}
