/** Progress for people, from the events: lines in a log, the same lines over one live status line on a terminal. */
import { styleText } from 'node:util';
import type { AssertionResult, Event, Phase, ProbeResult } from '../events/events.ts';
import { printable } from '../scenario/printable.ts';
import { formatDuration } from '../time/duration.ts';
import { clusterText, faultText, plural, secondsText, verdictWord } from './words.ts';

export interface ConsoleOptions {
  readonly write: (text: string) => void;
  /** Is there a terminal whose last line can be drawn anew? */
  readonly terminal: boolean;
  readonly colour: boolean;
  readonly columns: () => number;
  /** `quiet`: failures and the verdict; `verbose`: every step, object and assertion. */
  readonly mode: 'quiet' | 'normal' | 'verbose';
}

export interface Console {
  take(event: Event): void;
  /** A line beside the events: a signal, a warning. */
  note(text: string): void;
  /** Erases the live line; nothing is drawn afterwards. */
  end(): void;
}

type Style = Parameters<typeof styleText>[0];

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that styleText makes.
const COLOURS = /(\u001b\[\d+m)/;
/** Of one piece of a line. */
const MOST_CHARACTERS = 4_000;
/** More than this helps nobody on a console; the summary has them all. */
const MOST_GROUPS = 6;
const MOST_SUBJECTS = 5;
const ERASE_LINE = '\r\u001b[2K';

/** What a phase is called on consoles. */
export const PHASE_TITLES: Readonly<Record<Phase, string>> = {
  check: 'Check the scenario and the tools',
  provision: 'Make a cluster with Calico',
  baseline: 'Deploy the probes and take the baseline',
  prepare: 'Prepare the migration',
  secondary: 'Install Cilium as second overlay',
  migrate: 'Migrate node by node',
  complete: 'Recycle what is left on the old network',
  finalize: "Roll out Cilium's final values",
  remove: 'Remove Calico',
  restart: 'Restart the nodes one by one',
  verify: 'Verify',
};

export function createConsole(options: ConsoleOptions): Console {
  return new LineConsole(options);
}

class LineConsole implements Console {
  readonly #options: ConsoleOptions;
  /** Milliseconds since the epoch, provider time. */
  #startedAt = 0;
  #now = 0;
  #simulated = false;
  /** Steps under way, with their titles. */
  readonly #steps = new Map<string, string>();
  #checkpoints = 0;
  #passed = 0;
  #failedAssertions: AssertionResult[] = [];
  #live = '';
  #over = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  take(event: Event): void {
    this.#now = Date.parse(event.at);
    switch (event.type) {
      case 'run-started':
        this.#started(event);
        break;
      case 'phase-started':
        this.#line(this.#style('bold', PHASE_TITLES[event.phase]));
        break;
      case 'step-started':
        this.#steps.set(event.step, event.title);
        if (!this.#options.terminal || this.#options.mode === 'verbose') this.#line(`  ${event.title}`);
        break;
      case 'step-ended':
        this.#steps.delete(event.step);
        if (event.outcome === 'failed') {
          // The verdict says the rest.
          const [first, ...more] = event.message.split('\n');
          this.#always(`  ${this.#style('red', '✗')} ${event.step}: ${first}${more.length > 0 ? ' …' : ''}`);
        }
        break;
      case 'object':
        if (this.#options.mode === 'verbose')
          this.#line(`    ${event.action} ${event.object}${event.detail === '' ? '' : ` (${event.detail})`}`);
        break;
      case 'assertion':
        this.#assertion(event);
        break;
      case 'checkpoint':
        this.#checkpoint(event);
        break;
      case 'fault':
        this.#fault(event);
        break;
      case 'finding':
        this.#finding(event);
        break;
      case 'verdict':
        this.#verdict(event);
        break;
      default:
        break;
    }
    this.#draw();
  }

  note(text: string): void {
    this.#print(`${text}\n`);
    this.#draw();
  }

  end(): void {
    this.#over = true;
    this.#erase();
  }

  #started({ scenario, checkpoints, simulated, seed }: Extract<Event, { type: 'run-started' }>): void {
    this.#startedAt = this.#now;
    this.#simulated = simulated;
    this.#checkpoints = checkpoints.length;
    const { cluster, calico, cilium, kubernetes } = scenario;
    this.#line(
      `${this.#style('bold', scenario.name)}: ${clusterText(cluster)}; Calico ${calico.version} → Cilium ${cilium.version}, Kubernetes ${kubernetes.version}${simulated ? `; simulated, seed ${seed}` : ''}`,
    );
  }

  #fault({ name, args, moment, expected }: Extract<Event, { type: 'fault' }>): void {
    const what = moment === 'ended' ? `must end ${expected}` : moment;
    this.#line(`  ${this.#style('yellow', '!')} fault ${faultText({ name, args })}: ${what}`);
  }

  #assertion(event: AssertionResult): void {
    if (event.outcome !== 'passed') this.#failedAssertions.push(event);
    if (this.#options.mode !== 'verbose') return;
    const sign = event.outcome === 'passed' ? this.#style('green', '✓') : this.#style('red', '✗');
    this.#line(`    ${sign} ${event.id}: ${event.seen}`);
  }

  #checkpoint(event: Extract<Event, { type: 'checkpoint' }>): void {
    const failedAssertions = this.#failedAssertions.splice(0);
    const figures = [
      ...event.probes.map((probe) => `${probe.name} ${pairsText(probe)}`),
      `${event.managedPods.managed}/${event.managedPods.total} pods on Cilium`,
    ];
    if (event.outcome === 'passed') {
      this.#passed++;
      const settled =
        event.settledAt === null
          ? ''
          : `settled in ${secondsText((Date.parse(event.settledAt) - Date.parse(event.startedAt)) / 1_000)}`;
      const held = event.observedSeconds > 0 ? `held ${secondsText(event.observedSeconds)}` : '';
      const timing = [settled, held].filter((text) => text !== '').join(', ');
      this.#line(
        `  ${this.#style('green', '✓')} ${event.id.padEnd(28)} ${this.#style('dim', [...figures, timing].filter((text) => text !== '').join('  '))}`,
      );
      return;
    }
    this.#always(`  ${this.#style('red', '✗')} ${this.#style('bold', event.id)}  ${figures.join('  ')}`);
    if (event.message !== '') this.#always(`      ${event.message}`);
    for (const group of event.groups.slice(0, MOST_GROUPS)) {
      this.#always(`      ${group.from} → ${group.to}: ${group.failing}/${group.of} failing`);
    }
    if (event.groups.length > MOST_GROUPS)
      this.#always(`      … and ${plural(event.groups.length - MOST_GROUPS, 'more group')}`);
    const [first] = event.failing;
    if (first !== undefined) {
      this.#always(
        `      such as ${first.from.pod} (${first.from.node}) → ${first.to.pod} (${first.to.node}): ${first.error}`,
      );
    }
    for (const failed of failedAssertions) {
      const subjects = failed.subjects.slice(0, MOST_SUBJECTS).join(', ');
      this.#always(
        `      ${failed.id}: ${failed.expected}; seen: ${failed.seen}${subjects === '' ? '' : ` (${subjects})`}`,
      );
    }
  }

  #finding(event: Extract<Event, { type: 'finding' }>): void {
    if (event.severity === 'info' && this.#options.mode !== 'verbose') return;
    const sign = event.severity === 'info' ? 'ℹ' : this.#style('yellow', '!');
    const subjects = event.subjects.slice(0, MOST_SUBJECTS).join(', ');
    this.#line(`  ${sign} ${event.message}${subjects === '' ? '' : `: ${subjects}`}`);
  }

  #verdict(event: Extract<Event, { type: 'verdict' }>): void {
    this.#steps.clear();
    const word = verdictWord({ verdict: event.verdict, simulated: this.#simulated });
    const colour: Style = event.verdict === 'passed' ? 'green' : event.verdict === 'failed' ? 'red' : 'yellow';
    const at = event.failedCheckpoint === null ? '' : ` at ${event.failedCheckpoint}`;
    this.#always('');
    this.#always(`${this.#style([colour, 'bold'], word)}${at}  ${event.message}`);
    if (event.verdict !== 'passed') {
      const side = event.beforePointOfNoReturn ? 'before' : 'after';
      this.#always(`  reason: ${event.reason}, ${side} the point of no return`);
    }
    this.#always(
      `  ${this.#passed} of ${plural(this.#checkpoints, 'checkpoint')} passed in ${formatDuration(this.#now - this.#startedAt)}${this.#simulated ? ' of simulated time' : ''}`,
    );
    if (event.handwork.length > 0) {
      this.#always('  by hand, in this order:');
      for (const work of event.handwork) this.#always(`    ${work}`);
    }
  }

  /** A line that quiet mode leaves out. */
  #line(text: string): void {
    if (this.#options.mode !== 'quiet') this.#always(text);
  }

  #always(text: string): void {
    if (text === '') this.#print('\n');
    else
      this.#print(
        `${this.#style('dim', this.#elapsed())} ${text
          .split('\n')
          .map((line) => this.#safe(line))
          .join('\n         ')}\n`,
      );
  }

  /** What pods and tools say must not give a terminal orders; our own colours stay. */
  #safe(text: string): string {
    return text
      .split(COLOURS)
      .map((part, index) => (index % 2 === 1 && this.#options.colour ? part : printable(part, MOST_CHARACTERS)))
      .join('');
  }

  #elapsed(): string {
    const seconds = this.#startedAt === 0 ? 0 : Math.floor((this.#now - this.#startedAt) / 1_000);
    return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`;
  }

  #print(text: string): void {
    this.#erase();
    this.#options.write(text);
  }

  /** The live line: elapsed time, checkpoints, what is being done. */
  #draw(): void {
    const { terminal, mode } = this.#options;
    if (!terminal || mode === 'quiet' || this.#over || this.#steps.size === 0) return;
    const doing = printable([...this.#steps.values()].join('; '), MOST_CHARACTERS);
    const text = `${this.#elapsed()} … ${this.#passed}/${this.#checkpoints}  ${doing}`;
    const width = Math.max(20, this.#options.columns() - 1);
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    if (cut === this.#live) return;
    this.#erase();
    this.#options.write(this.#style('dim', cut));
    this.#live = cut;
  }

  #erase(): void {
    if (this.#live === '') return;
    this.#live = '';
    this.#options.write(ERASE_LINE);
  }

  #style(style: Style, text: string): string {
    return this.#options.colour ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** `20/20`, with what is unhealthy or unknown where anything is. */
function pairsText({ pairs }: ProbeResult): string {
  const bad = [
    ...(pairs.unhealthy > 0 ? [`${pairs.unhealthy} unhealthy`] : []),
    ...(pairs.unknown > 0 ? [`${pairs.unknown} unknown`] : []),
  ];
  return `${pairs.healthy}/${pairs.expected}${bad.length > 0 ? ` (${bad.join(', ')})` : ''}`;
}
