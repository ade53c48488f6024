import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The kit's seams have a twin for browsers.
  resolve: { extensions: ['.web.tsx', '.web.ts', '.tsx', '.ts', '.js', '.json'] },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // Time is faked, so this is the machine's: a busy one is slow.
    testTimeout: 30_000,
    // It is what React Native itself tests with, whatever React says of it.
    onConsoleLog: (log) => !log.includes('react-test-renderer is deprecated'),
  },
});
