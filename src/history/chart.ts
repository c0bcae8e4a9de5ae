/** Bars over time as inline SVG. */
import { plural, secondsText } from '../report/words.ts';
import { type Html, html } from './html.ts';

export interface Point {
  readonly value: number;
  readonly kind: 'good' | 'bad' | 'odd' | 'none';
  readonly label: string;
}

const WIDTH = 360;
const HEIGHT = 96;
/** Room above the bars for the figure of the highest. */
const TOP = 14;
const MOST_BAR = 24;

export function chart(points: readonly Point[]): Html {
  const most = Math.max(...points.map(({ value }) => value), 0);
  const step = Math.min(MOST_BAR, WIDTH / Math.max(1, points.length));
  const bars = points.map(({ value, kind, label }, index) => {
    // What took no time is a line on the ground: there was a run.
    const height = most === 0 ? 1 : Math.max(1, (value / most) * (HEIGHT - TOP));
    const x = (index * step).toFixed(1);
    return html`<rect class="${kind}" x="${x}" y="${(HEIGHT - height).toFixed(1)}" width="${(step * 0.8).toFixed(1)}" height="${height.toFixed(1)}"><title>${label}</title></rect>`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${plural(points.length, 'run')}, at most ${secondsText(most)}"><text x="0" y="10">${secondsText(most)}</text>${bars}</svg>`;
}
