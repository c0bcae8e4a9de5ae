/** The tools of a run on kind: found or set up before anything else is asked of them. */
import { ciliumCliFor } from '../../host/tools/catalogue.ts';
import { ToolProblem, type ToolProblemCause } from '../../host/tools/problem.ts';
import { setUpTools, type ToolNeeds } from '../../host/tools/set-up.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Clock } from '../../time/clock.ts';
import { MachineFailure, type MachineFinding, type MachineProblem } from '../machine.ts';

/** What a user says of the tools; what is left out is ours to choose. */
export interface WantedTools {
  /** Versions as people write them: exact, the beginning of one, or `latest`. */
  readonly kind?: string | undefined;
  readonly helm?: string | undefined;
  readonly cilium?: string | undefined;
  /** In place of the publishers' hosts. */
  readonly baseUrl?: string | undefined;
}

export interface ToolSetUp {
  readonly scenario: Scenario;
  readonly wanted: WantedTools;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What a run needs: cilium-cli only for Cilium's connectivity test. */
export function neededTools({ cilium, finish }: Scenario, wanted: WantedTools): ToolNeeds {
  const asked = (version: string | undefined): { version?: string } => (version === undefined ? {} : { version });
  return {
    kind: asked(wanted.kind),
    helm: asked(wanted.helm),
    ...(finish.connectivityTest !== false && {
      cilium: { ...asked(wanted.cilium), instead: ciliumCliFor(cilium.version) },
    }),
  };
}

/** The verdict's cause for each cause of a tool that cannot be had. */
const CAUSES: Readonly<Record<ToolProblemCause, Pick<MachineProblem, 'verdict' | 'reason'>>> = {
  'not-found': { verdict: 'refused', reason: 'version-unknown' },
  network: { verdict: 'error', reason: 'download-failed' },
  'rate-limited': { verdict: 'error', reason: 'download-failed' },
  checksum: { verdict: 'error', reason: 'download-failed' },
  'disk-full': { verdict: 'error', reason: 'disk-full' },
  unusable: { verdict: 'error', reason: 'tool-missing' },
};

/**
 * @returns absolute paths by command name, and findings that say which version comes from where
 * @throws MachineFailure by cause; the signal's reason
 */
export async function toolsFor(options: ToolSetUp): Promise<{
  paths: ReadonlyMap<string, string>;
  findings: readonly MachineFinding[];
}> {
  const { scenario, wanted, environment, clock, signal } = options;
  const tried: string[] = [];
  try {
    const { paths, notes } = await setUpTools(neededTools(scenario, wanted), {
      ...{ environment, clock, signal },
      log: (line) => tried.push(line),
      ...(wanted.baseUrl !== undefined && { downloadBaseUrl: wanted.baseUrl }),
    });
    const message = 'Where the tools of this run come from';
    return { paths, findings: [{ id: 'tools', severity: 'info', message, subjects: [...tried, ...notes] }] };
  } catch (error) {
    if (!(error instanceof ToolProblem)) throw error;
    throw new MachineFailure({ ...CAUSES[error.cause], message: error.message }, { cause: error });
  }
}
