/** The words of decision 3 as a node of a real cluster answered them: a node of the twin says the same, in the same order. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { createCluster, type Rig } from '../node/rig.ts';

interface Spoken {
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const file = new URL('../../fixtures/recorded-kind/words-on-a-node.json', import.meta.url);
const RECORDED = JSON.parse(readFileSync(file, 'utf8')) as readonly Spoken[];

let rig: Rig;

beforeAll(async () => {
  rig = await createCluster(1, 1);
  rig.installCni();
  rig.time.advance(30_000);
});

it.each(RECORDED)('$words', async ({ words, exitCode, stdout, stderr }) => {
  const result = await rig.run('docker', ['exec', 'kind-worker', ...words]);
  // crictl words its failures differently from release to release; who reads it looks at the exit code.
  const said = words[0] === 'crictl' ? (result.stderr !== '') === (stderr !== '') : result.stderr;
  expect({ exitCode: result.exitCode, stdout: result.stdout, said }).toEqual({
    exitCode,
    stdout,
    said: words[0] === 'crictl' ? true : stderr,
  });
});
