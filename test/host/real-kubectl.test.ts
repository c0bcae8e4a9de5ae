/** Real kubectl of two versions: that they are what their directories say. */
import { expect, test } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { WallClock } from '../../src/time/wall-clock.ts';
import { describeWith, realBinary } from './real-binaries.ts';

describeWith('kubectl', ({ path: kubectl, minor }) => {
  const host = realHost({ clock: new WallClock(), paths: new Map([['kubectl', kubectl]]) });

  test('tells its version', async () => {
    const { stdout } = await host.run('kubectl', ['version', '--client', '-o', 'json'], { timeoutMs: 60_000 });
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } };
    expect(clientVersion.gitVersion).toMatch(new RegExp(`^v${minor.replace('.', '\\.')}\\.`));
    expect(realBinary('kubectl', minor)).toBe(kubectl);
  });
});
