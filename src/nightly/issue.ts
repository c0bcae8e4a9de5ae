/** The one issue of the nightly rehearsals: its texts, and what is to be done with it. Pure. */
import { code, plain, table } from '../report/markdown.ts';
import type { Judged } from './judge.ts';
import type { Entry, Night } from './night.ts';

export const LABEL = 'nightly-regression';
export const TITLE = 'Nightly rehearsal: regression';
/** By this the issue is known, whatever its title has become. */
export const MARKER = '<!-- cni-rehearsal nightly -->';
const MOST_WHY = 1_500;

export type IssueAction =
  | { readonly do: 'nothing'; readonly why: string }
  | { readonly do: 'open'; readonly title: string; readonly body: string }
  | {
      readonly do: 'update';
      readonly body: string /** null: nothing that anybody must be told. */;
      readonly comment: string | null;
    }
  | { readonly do: 'close'; readonly body: string; readonly comment: string };

/** @param issueOpen is there an open issue of ours? */
export function issueAction(judged: Judged, night: Night, issueOpen: boolean): IssueAction {
  const { entries, open, opened, closed } = judged;
  const told = entries.filter(({ state }) => state !== 'infrastructure');
  if (!issueOpen) {
    if (open.length === 0) return { do: 'nothing', why: 'no regression' };
    return { do: 'open', title: TITLE, body: bodyOf(judged, night) };
  }
  if (open.length === 0) {
    return { do: 'close', body: bodyOf(judged, night), comment: `Recovered: ${keys(closed)} ([night](${night.url})).` };
  }
  if (told.length === 0) return { do: 'nothing', why: 'this night says nothing of the migration' };
  const news = [
    ...(opened.length > 0 ? [`New: ${keys(opened)}.`] : []),
    ...(closed.length > 0 ? [`Recovered, or rehearsed no more: ${keys(closed)}.`] : []),
  ];
  const comment = news.length === 0 ? null : `${news.join(' ')} ([night](${night.url}))`;
  return { do: 'update', body: bodyOf(judged, night), comment };
}

const keys = (list: readonly string[]): string => list.map(plain).join('; ');

function bodyOf({ entries, open }: Judged, { url, commit, at }: Night): string {
  const red = entries.filter(({ key }) => open.includes(key));
  const others = entries.filter(({ key }) => !open.includes(key));
  const lines = [
    MARKER,
    red.length === 0
      ? 'The nightly rehearsals have recovered.'
      : `The nightly rehearsals are worse than the last good ones. This issue is kept up to date and closed on recovery; closed by hand as *not planned*, what passes now is taken as good from then on.`,
    '',
    `Last night: [${plain(at.slice(0, 10))}](${url}), commit ${code(commit)}.`,
    '',
    ...red.flatMap((entry) => [`### ${plain(entry.key)}`, '', ...factsOf(entry), '']),
    ...table(
      ['line', 'last night'],
      others.map(({ key, state, why }) => [plain(key), plain(`${state}: ${why.slice(0, 200)}`)]),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function factsOf({ name, state, why, attempts }: Entry): string[] {
  const lines = [`- rehearsed: ${plain(name)}`, `- **${state}**: ${plain(why.slice(0, MOST_WHY))}`];
  const seed = attempts.at(-1)?.seed;
  if (seed !== undefined) lines.push(`- seed: ${seed}`);
  return lines;
}

/** The night as a step summary. */
export function nightMarkdown({ entries, open }: Judged, action: IssueAction): string {
  const rows = entries.map((entry) => [
    plain(entry.name),
    `${entry.state}${open.includes(entry.key) ? ', open' : ''}`,
    String(entry.attempts.length),
    plain(entry.why.slice(0, 300)),
  ]);
  return `${['# Nightly rehearsals', '', ...table(['job', 'state', 'attempts', 'why'], rows), '', `Issue: ${actionText(action)}.`].join('\n')}\n`;
}

function actionText(action: IssueAction): string {
  if (action.do === 'nothing') return `left alone, ${action.why}`;
  return action.do === 'open' ? 'opened' : action.do === 'close' ? 'closed' : 'updated';
}
