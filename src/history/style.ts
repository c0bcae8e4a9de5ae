/** The page's style: system fonts, light and dark by the reader's choice, one column on a phone. */
import { Html } from './html.ts';

export const STYLE = new Html(`
:root { color-scheme: light dark; --ground: #fff; --text: #1c2024; --dim: #5b6470; --line: #d5dae0; --good: #1a7f37; --bad: #c4222d; --odd: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --text: #e4e8ec; --dim: #9aa4b0; --line: #363d46; --good: #4cc26a; --bad: #ff7b72; --odd: #e0ac3b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
a { color: inherit; } .note, small, figcaption { color: var(--dim); } .note { overflow-wrap: anywhere; }
.ok { color: var(--good); } .bad { color: var(--bad); } p.bad { font-weight: 600; }
.scroll { overflow-x: auto; } :focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--line); }
.overview th, .overview td { white-space: nowrap; } .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td small { display: inline-block; max-width: 40rem; min-width: 12rem; } .run small { min-width: 0; overflow-wrap: anywhere; } td.run { min-width: 9rem; } .version { white-space: nowrap; }
.mark { white-space: nowrap; } .mark.good { color: var(--good); } .mark.bad { color: var(--bad); font-weight: 600; } .mark.odd { color: var(--odd); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .875rem; } svg { width: 100%; height: auto; max-width: 30rem; border-bottom: 1px solid var(--line); }
svg text { font-size: 11px; fill: var(--dim); } rect.good { fill: var(--good); } rect.bad { fill: var(--bad); } rect.bad { stroke: var(--text); stroke-width: 2; } rect.odd { fill: none; stroke: var(--odd); stroke-width: 2; }
details { margin: .5rem 0; } summary { cursor: pointer; padding: .25rem 0; }
code { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; }
`);
