/** Why an image did not come: what the words of `docker pull` and of registries mean. Pure. */
import type { MachineProblem } from '../machine.ts';

export interface PullCause {
  /** Another try may go well. */
  readonly again: boolean;
  readonly problem: (image: string, what: string) => MachineProblem;
}

interface Row extends PullCause {
  readonly words: RegExp;
}

const error =
  (reason: 'download-failed' | 'disk-full' | 'tool-failed', why: string): PullCause['problem'] =>
  (image, what) => ({ verdict: 'error', reason, message: `the image ${image} (${what}) could not be pulled: ${why}` });

/** The first that fits wins. Words: moby daemon/images, distribution/registry, containerd core/remotes/docker. */
const ROWS: readonly Row[] = [
  {
    words: /no space left on device/i,
    again: false,
    problem: error(
      'disk-full',
      "the disk of Docker's images is full; make room (docker system df shows what takes it)",
    ),
  },
  {
    words: /cannot connect to the docker daemon|is the docker daemon running/i,
    again: false,
    problem: error('tool-failed', 'the Docker daemon went away'),
  },
  {
    words: /toomanyrequests|too many requests|\b429\b|rate limit/i,
    again: true,
    problem: error(
      'download-failed',
      'the registry refuses more pulls for now (rate limit); log in with docker login, or name an image mirror',
    ),
  },
  {
    words:
      /manifest unknown|manifest for \S+ not found|not found: manifest|name unknown|repository does not exist|pull access denied|requested access to the resource is denied|unauthorized: |\b401 unauthorized|: denied\s*$|no matching manifest|failed to resolve reference .*not found|: not found\s*$/im,
    again: false,
    problem: (image, what) => ({
      verdict: 'refused',
      reason: 'image-missing',
      message: `${what} names the image ${image}, which its registry does not have or does not show without docker login`,
    }),
  },
  {
    words: /invalid reference format/i,
    again: false,
    problem: (image, what) => ({
      verdict: 'refused',
      reason: 'image-missing',
      message: `${what} names the image ${image}, which is no reference of an image`,
    }),
  },
];

/** Everything else is the network's, or the registry's own trouble (5xx). */
export function pullCauseOf(stderr: string): PullCause {
  const row = ROWS.find(({ words }) => words.test(stderr));
  if (row) return row;
  const said = stderr.trim().split('\n').at(-1)?.slice(-300) ?? '';
  return {
    again: true,
    problem: error(
      'download-failed',
      `${said || 'docker pull said nothing'}; look at network and proxy of the Docker daemon, or name an image mirror`,
    ),
  };
}
