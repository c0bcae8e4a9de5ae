/** Versions that a plan has seen in the published index reach its runs. */
import { describe, expect, test } from 'vitest';
import { PUBLISHED_SINCE, publishedSince } from '../../src/scenario/versions.ts';
import { REHEARSE, startProcess } from '../cli/processes.ts';

test.each([
  [undefined, []],
  ['', []],
  ['1.19.9, 1.21.0-pre.1\n1.20.1', ['1.19.9', '1.21.0-pre.1', '1.20.1']],
  ['1.19 latest v1.2.3 1.2.3;x', []],
])('%j', (text, versions) => expect(publishedSince({ [PUBLISHED_SINCE]: text })).toEqual(versions));

describe('a version that was published after this release', () => {
  const check = (env: string) =>
    startProcess('env', [env, REHEARSE, 'check', 'lab', '--set', 'cilium.version=1.19.99'], import.meta.dirname).ended;

  test('is not known by itself', async () => {
    expect(await check('X=y')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no known cilium version 1\.19\.99/),
    });
  });

  test('handed on it is, and only the twin lacks its data', async () => {
    expect(await check(`${PUBLISHED_SINCE}=1.19.99`)).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/the twin has no data for it/),
    });
  });
});
