/** What leaves the app by hand. React Native has no clipboard of its own: an app gives one as `ports.copy`, else texts are shared. */

import { Share } from 'react-native';

export const copyText: ((text: string) => Promise<void>) | null = null;

export const shareText: ((text: string) => Promise<void>) | null = async (text) => {
  // Resolves also where the user closes the sheet.
  await Share.share({ message: text });
};
