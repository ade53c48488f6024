import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { index: 'src/index.ts', react: 'src/react/index.ts', 'react-native': 'src/react-native/index.ts' },
  // CommonJS beside ESM: Jest, React Native's preset of it included, loads nothing else.
  format: ['esm', 'cjs'],
  dts: { sourcemap: true },
  // Their sources are in the package too.
  sourcemap: true,
  platform: 'neutral',
  target: 'es2022',
  outDir: 'dist',
  fixedExtension: false,
  deps: { neverBundle: ['react', 'react/jsx-runtime'] },
});
