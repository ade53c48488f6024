import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const source = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Served at whatever path the server puts it.
  base: './',
  plugins: [react()],
  resolve: {
    alias: [
      { find: '@parley/client/react', replacement: source('react/index.ts') },
      { find: '@parley/client/ui', replacement: source('ui/index.ts') },
      { find: '@parley/client', replacement: source('index.ts') },
    ],
    // The kit's seams have a twin for browsers.
    extensions: ['.web.tsx', '.web.ts', '.mjs', '.js', '.ts', '.tsx', '.json'],
  },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022' },
  server: { proxy: { '/api': 'http://127.0.0.1:3001', '/demo': 'http://127.0.0.1:3001', '/notifications': 'http://127.0.0.1:3001', '/messages': { target: 'ws://127.0.0.1:3001', ws: true } } },
});
