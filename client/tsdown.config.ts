import { defineConfig, type UserConfig } from 'tsdown';

const common: UserConfig = {
  // Their sources are in the package too.
  sourcemap: true,
  platform: 'neutral',
  target: 'es2022',
  outDir: 'dist',
  fixedExtension: false,
  deps: { neverBundle: [/^react/, 'linkify-it', 'virtua'] },
};

/** The kit for phones, over the very modules that `@parley/client` and its hooks are, so that all share one React context. */
function phones(format: 'esm' | 'cjs'): UserConfig {
  const ending = format === 'esm' ? 'js' : 'cjs';
  const beside = (name: string): { id: string; external: true } => ({ id: `./${name}.${ending}`, external: true });
  const headless = {
    name: 'headless',
    resolveId: (source: string) => (source === '../react' ? beside('react') : /^\.\.\/(client|codes|platform|web)$/.test(source) ? beside('index') : undefined),
  };
  return { ...common, entry: { 'ui.native': 'src/ui/index.ts' }, format, dts: false, clean: false, plugins: [headless] };
}

export default defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts', account: 'src/account/index.ts', history: 'src/history.ts', safety: 'src/safety.ts', media: 'src/media/index.ts', react: 'src/react/index.ts', 'react-native': 'src/react-native/index.ts', scheduled: 'src/scheduled.ts', search: 'src/search.ts', ui: 'src/ui/index.ts' },
    // CommonJS beside ESM: Jest, React Native's preset of it included, loads nothing else.
    format: ['esm', 'cjs'],
    dts: { sourcemap: true },
    // The kit's seams have a twin for browsers.
    inputOptions: { resolve: { extensions: ['.web.tsx', '.web.ts', '.tsx', '.ts'] } },
  },
  phones('esm'),
  phones('cjs'),
]);
