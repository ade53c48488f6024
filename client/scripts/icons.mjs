// Draws src/ui/seams/icon-paths.ts as pictures for phones: `npm run icons`, after a change of a path.
import { Resvg } from '@resvg/resvg-js';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const PIXELS = 72;
const seams = new URL('../src/ui/seams/', import.meta.url);
const [bundle] = [await build({ configFile: false, logLevel: 'silent', build: { write: false, lib: { entry: fileURLToPath(new URL('icon-paths.ts', seams)), formats: ['es'] } } })].flat();
const { PATHS } = await import(`data:text/javascript,${encodeURIComponent(bundle.output[0].code)}`);
const lines = Object.entries(PATHS).map(([name, path]) => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></svg>`;
  const png = new Resvg(svg, { fitTo: { mode: 'width', value: PIXELS } }).render().asPng();
  return `  ${name}: 'data:image/png;base64,${png.toString('base64')}',`;
});
writeFileSync(new URL('icon-pictures.ts', seams), `/** Made by \`npm run icons\` of icon-paths.ts. */\n\nimport type { IconName } from './icon-paths';\n\nexport const PICTURES: Readonly<Record<IconName, string>> = {\n${lines.join('\n')}\n};\n`);
