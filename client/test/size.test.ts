import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, minify } from 'vite';
import { expect, test } from 'vitest';

/** 18 KB: edits, deletions, reactions and pins with their optimistic side cost three beyond the 13 of before, files one, groups and marks one. */
const CORE_BYTES = 18_432;

test('the core stays within 18 KB, minified and gzipped', async () => {
  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const [bundle] = [await build({ configFile: false, logLevel: 'silent', build: { write: false, minify: false, target: 'es2022', lib: { entry, formats: ['es'] } } })].flat();
  if (!bundle || !('output' in bundle)) throw new Error('nothing was built');
  const { code } = await minify('index.js', bundle.output[0].code, { module: true });
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(5000);
  expect(bytes).toBeLessThanOrEqual(CORE_BYTES);
}, 30_000);
