/** `rehearse check --live`: a cluster for the rules' sake, judged before Cilium would be installed, and deleted. */
import { createEventStream } from '../events/stream.ts';
import { EXIT_CODES } from '../events/verdict.ts';
import type { RuleResult } from '../preflight/rule.ts';
import { Cancelled } from '../rehearsal/outcome.ts';
import { runRehearsal, type VerdictEvent } from '../rehearsal/run.ts';
import { openProvider } from '../session/provider.ts';
import { unforeseen } from '../session/unforeseen.ts';
import { tool } from '../session/version.ts';
import { WallClock } from '../time/wall-clock.ts';
import { onSignals } from './interruption.ts';
import type { Output } from './output.ts';
import type { ScenarioArgument } from './scenario-argument.ts';

export interface LiveCheck {
  readonly verdict: VerdictEvent['verdict'];
  readonly message: string;
  /** Every rule's last result; empty when the run ended before the rules were judged. */
  readonly rules: readonly RuleResult[];
}

export async function checkLive(
  { scenario, seed, at, provider: name }: ScenarioArgument,
  output: Output,
): Promise<LiveCheck> {
  const wall = new WallClock();
  const provider = await openProvider(name, { scenario, seed });
  // Nobody reads the events of a check; the stream still holds them to their order.
  const stream = createEventStream({ now: () => provider.clock.now(), sinks: [] });
  const controller = new AbortController();
  let rules: readonly RuleResult[] = [];
  using _signals = onSignals(
    (signal) => provider.interrupt(() => controller.abort(new Cancelled(signal))),
    () => {
      const left = provider.leftBehind?.() ?? null;
      output.message(`rehearse: ended at once${left === null ? '' : `; the cluster is still there: ${left}`}\n`);
      process.exit(EXIT_CODES.cancelled);
    },
    () => wall.now(),
  );
  try {
    const { verdict, message } = await provider.run(() =>
      runRehearsal({
        scenario,
        at,
        seed,
        provider,
        emit: stream.emit,
        signal: controller.signal,
        rulesOnly: true,
        onRules: (results) => {
          rules = results;
        },
        keep: 'never',
        tool: tool(),
        warn: (warning) => output.message(`rehearse: ${warning}\n`),
      }),
    );
    return { verdict, message, rules };
  } catch (error) {
    const { verdict, message } = unforeseen(error, true);
    return { verdict, message, rules };
  } finally {
    await provider.close();
  }
}
