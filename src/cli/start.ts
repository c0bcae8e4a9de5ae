/**
 * Entry of bin/rehearse. Node keeps what it compiled of our sources beside the dependencies, where `npm ci` clears it: it
 * halves the start. Where that directory cannot be written, nothing is kept.
 */
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { listenToSignals } from './interruption.ts';

listenToSignals(process.env);

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
if (existsSync(modules)) enableCompileCache(`${modules}.cache/rehearse`);
const [{ commandLine }, { flushed, processOutput }] = await Promise.all([import('./main.ts'), import('./output.ts')]);
const code = await commandLine(process.argv.slice(2), processOutput());
await flushed();
process.exit(code);
