/** The package as an app gets it: built, packed, and unpacked into a fresh app that has nothing but React beside it. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';

const CLIENT = fileURLToPath(new URL('..', import.meta.url));
const ENTRIES = ['@parley/client', '@parley/client/account', '@parley/client/history', '@parley/client/safety', '@parley/client/react', '@parley/client/react-native', '@parley/client/scheduled', '@parley/client/search'];

let app: string;
let root: string;
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'parley-app-'));
  root = join(app, 'node_modules/@parley/client');
  run('npm', ['run', '--silent', 'build:package'], CLIENT);
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', app], CLIENT)) as { filename: string }[];
  mkdirSync(root, { recursive: true });
  run('tar', ['-xzf', join(app, packed!.filename), '-C', root, '--strip-components', '1'], app);
  for (const name of ['react', '@types/react', 'csstype']) {
    mkdirSync(dirname(join(app, 'node_modules', name)), { recursive: true });
    symlinkSync(join(CLIENT, 'node_modules', name), join(app, 'node_modules', name));
  }
  writeFileSync(join(app, 'package.json'), '{"name":"app","private":true}');
}, 240_000);
afterAll(() => rmSync(app, { recursive: true, force: true }));

function run(command: string, args: string[], cwd = app): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', timeout: 200_000, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a program of the app prints, read as JSON. */
function runs(name: string, program: string, ...options: string[]): unknown {
  writeFileSync(join(app, name), program);
  return JSON.parse(run(process.execPath, [...options, name]));
}

type Names = Record<string, string[]>;

/** What the declarations promise to be there when the program runs, by entry: one compilation tells all. */
function promised(extension: 'mts' | 'cts'): Names {
  const files = ENTRIES.map((entry, index) => {
    const name = join(app, `seen${index}.${extension}`);
    writeFileSync(name, `import * as all from '${entry}'; export { all };`);
    return [entry, name] as const;
  });
  const program = ts.createProgram(files.map(([, name]) => name), {
    module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true,
  });
  return Object.fromEntries(files.map(([entry, name]) => [entry, valuesOf(program, name)]));
}

function valuesOf(program: ts.Program, name: string): string[] {
  const checker = program.getTypeChecker();
  const [statement] = program.getSourceFile(name)!.statements;
  const symbol = checker.getSymbolAtLocation((statement as ts.ImportDeclaration).moduleSpecifier)!;
  const isValue = (one: ts.Symbol): boolean => {
    const target = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
    const typeOnly = one.declarations?.some((declaration) => ts.isExportSpecifier(declaration) && (declaration.isTypeOnly || declaration.parent.parent.isTypeOnly));
    return !typeOnly && (target.flags & ts.SymbolFlags.Value) !== 0;
  };
  return checker.getExportsOfModule(symbol).filter(isValue).map((one) => one.name).sort();
}

test('what the types promise is in the JavaScript, as a module and for `require`', () => {
  const told = 'console.log(JSON.stringify(Object.fromEntries(all.map(([name, entry]) => [name, Object.keys(entry).sort()]))));';
  const required = `const all = ${JSON.stringify(ENTRIES)}.map((name) => [name, require(name)]); ${told}`;
  const esm = runs('esm.mjs', `const all = await Promise.all(${JSON.stringify(ENTRIES)}.map(async (name) => [name, await import(name)])); ${told}`) as Names;
  const cjs = runs('cjs.cjs', required);
  expect(esm).toEqual(promised('mts'));
  expect(cjs).toEqual(promised('cts'));
  expect(runs('native.cjs', required, '--conditions=react-native')).toEqual(cjs);
  expect(Object.values(esm).map((names) => names.length > 0)).toEqual(ENTRIES.map(() => true));
});

test('a program of the app sends and hears with the packed package, and its React hooks use the app’s React', () => {
  const said = runs('talk.cjs', `
    const { createClient, parseFrame, isDurable, barePlatform } = require('@parley/client');
    const { useConversations, WebSocketProvider } = require('@parley/client/react');
    const { createElement } = require('react');
    class Socket {
      constructor() { setTimeout(() => this.say({ type: 'connected', userId: 'me', conversationIds: [], heads: {}, epoch: 'e' })); }
      say(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
      send(text) { if (JSON.parse(text).type === 'event') this.say({ ...JSON.parse(text), senderId: 'me' }); }
      close() {}
    }
    const answers = { sync: { epoch: 'e', asOf: '1', conversations: {}, left: [], complete: true }, list: { conversations: [], nextCursor: null } };
    const fetch = async (url) => new Response(JSON.stringify(url.endsWith('/sync') ? answers.sync : answers.list));
    const client = createClient({ url: 'http://parley.test', userId: 'me', getToken: () => 'token', WebSocket: Socket, fetch, platform: barePlatform() });
    client.on('event', ({ data }) => {
      const element = createElement(WebSocketProvider, { client });
      console.log(JSON.stringify({ data, hook: typeof useConversations, element: typeof element.type, durable: isDurable(parseFrame('{"type":"x","conversationId":"a","seq":1}')) }));
      client.disconnect();
    });
    client.on('connected', () => client.sendEvent('room', 'dice', { rolled: 6 }));
    client.connect();
  `);
  expect(said).toEqual({ data: { rolled: 6 }, hook: 'function', element: 'function', durable: true });
});

test('every source that a map names is in the package', () => {
  const maps = readdirSync(join(root, 'dist')).filter((name) => name.endsWith('.map'));
  const named = (name: string): string[] => (JSON.parse(readFileSync(join(root, 'dist', name), 'utf8')) as { sources: string[] }).sources;
  expect(maps.filter((name) => name.endsWith('js.map'))).not.toHaveLength(0);
  const missing = maps.flatMap((name) => named(name).filter((source) => !existsSync(join(root, 'dist', source))));
  expect(missing).toEqual([]);
  const asked = readdirSync(join(root, 'dist')).filter((name) => /\.([cm]?js|d\.c?ts)$/.test(name)).map((name) => [name, readFileSync(join(root, 'dist', name), 'utf8')] as const);
  const dangling = asked.filter(([, text]) => /sourceMappingURL=(\S+)/.exec(text) && !existsSync(join(root, 'dist', /sourceMappingURL=(\S+)/.exec(text)![1]!)));
  expect(dangling.map(([name]) => name)).toEqual([]);
});
