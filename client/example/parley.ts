import { createClient, type ParleyClient } from '@parley/client';
import { reactNativePlatform, registerForPush } from '@parley/client/react-native';
import AsyncStorage from '@react-native-async-storage/async-storage';
import NetInfo from '@react-native-community/netinfo';
import * as Supabase from '@supabase/supabase-js';
import Constants from 'expo-constants';
import * as Notifications from 'expo-notifications';
import { AppState, Platform } from 'react-native';

const platform = reactNativePlatform({ AppState, NetInfo, AsyncStorage });
export const supabase = Supabase.createClient(process.env.EXPO_PUBLIC_SUPABASE_URL ?? 'http://localhost', process.env.EXPO_PUBLIC_SUPABASE_ANON_KEY ?? 'none');
const project = Constants.expoConfig?.extra?.['eas'] as { projectId?: string } | undefined;

export const clientOf = (userId: string, handle: string): ParleyClient =>
  createClient({ url: process.env.EXPO_PUBLIC_PARLEY_URL ?? '', userId, handle, getToken, platform });

async function getToken({ force }: { force: boolean }): Promise<string | null> {
  const { data, error } = force ? await supabase.auth.refreshSession() : await supabase.auth.getSession();
  // No network is no sign-out: thrown, it is asked again later.
  if (error && error.status !== 400) throw error;
  return data.session?.access_token ?? null;
}

export const registerDevice = (client: ParleyClient): ReturnType<typeof registerForPush> =>
  registerForPush(client, { Notifications, projectId: project?.projectId ?? '', platform: Platform.OS === 'ios' ? 'ios' : 'android' });
