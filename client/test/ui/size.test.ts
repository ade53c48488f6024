/** What the kit costs an app that has React and react-native-web anyway. */

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, minify } from 'vite';
import { expect, test } from 'vitest';

const KIT_BYTES = 60_000;

test('the kit’s web build stays within 60 KB gzipped, and asks React Native for no list, dialog or animation', async () => {
  const entry = fileURLToPath(new URL('../../src/ui/index.ts', import.meta.url));
  const [bundle] = [await build({
    configFile: false, logLevel: 'silent', resolve: { extensions: ['.web.tsx', '.web.ts', '.mjs', '.js', '.ts', '.tsx'] },
    build: { write: false, minify: false, target: 'es2022', lib: { entry, formats: ['es'] }, rollupOptions: { external: [/^react/] } },
  })].flat();
  if (!bundle || !('output' in bundle)) throw new Error('nothing was built');
  const { code } = await minify('ui.js', bundle.output[0].code, { module: true });
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(15_000);
  expect(bytes).toBeLessThanOrEqual(KIT_BYTES);
  const names = /import\s*\{([^}]*)\}\s*from\s*["']react-native-web["']/.exec(bundle.output[0].code)?.[1] ?? '';
  expect(names).toContain('Pressable');
  expect(names).not.toMatch(/Animated|List|Modal|ScrollView/);
}, 60_000);
