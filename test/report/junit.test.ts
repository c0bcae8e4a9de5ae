import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { junitXml } from '../../src/report/junit.ts';
import { storyOf } from '../../src/report/model.ts';
import { escapeAttribute, escapeText } from '../../src/report/xml.ts';
import { checkpoint, RUNS, Tape, verdict } from './events-fixture.ts';

/** Any UTF-16, the illegal characters and halves of pairs often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0, 8, 9, 10, 13, 31, 34, 38, 39, 60, 62, 93, 0xd800, 0xdc00, 0xdfff, 0xfffe, 0xffff),
    ),
  )
  .map((units) => String.fromCharCode(...units));

/** What XML 1.0 lets a document hold (production 2, Char). */
const LEGAL = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u;

/** What a parser makes of escaped text. */
function parsed(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/&(?:#(\d+)|(\w+));/g, (_all, number, name) =>
      number === undefined ? named[name as string]! : String.fromCodePoint(Number(number)),
    );
}

describe('escaping', () => {
  test('an attribute reads back as it was, but for what XML cannot say', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeAttribute(text);
        expect(escaped).toMatch(LEGAL);
        // A raw line break or tab would reach the reader as a space.
        expect(escaped).not.toMatch(/[<>"\n\r\t]|&(?!(#\d+|lt|gt|quot|amp);)/);
        expect(parsed(escaped)).toBe(legal(text));
      }),
    );
  });

  test('and so does text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const escaped = escapeText(text);
        expect(escaped).toMatch(LEGAL);
        expect(escaped).not.toMatch(/[<>\r]|&(?!(#\d+|lt|gt|amp);)/);
        expect(parsed(escaped)).toBe(legal(text));
      }),
    );
  });

  test('whole characters beyond the basic plane stay', () => {
    expect(escapeText('🐝 é')).toBe('🐝 é');
    expect(escapeText('\ud83d')).toBe('\ufffd');
  });
});

/** Written apart from the code: character by character. */
function legal(text: string): string {
  return [...text].map((char) => (LEGAL.test(char) && !/^[\ud800-\udfff]$/.test(char) ? char : '\ufffd')).join('');
}

describe('junit.xml', () => {
  test('counts are those of its cases, for every way to end', () => {
    for (const [name, run] of Object.entries(RUNS)) {
      const xml = junitXml(storyOf(run()));
      const head = /<testsuites [^>]*tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/.exec(xml)!;
      const of = (tag: string): string => String(xml.match(new RegExp(`<${tag}[ />]`, 'g'))?.length ?? 0);
      expect(head.slice(1), name).toEqual([of('testcase'), of('failure'), of('error'), of('skipped')]);
      const red = Number(head[2]) + Number(head[3]);
      expect(red > 0, name).toBe(name !== 'passed');
      const opened = xml.match(/<[a-z]+( [^>]*)?(?<!\/)>/g)!.length;
      expect(xml.match(/<\/[a-z]+>/g)!.length, name).toBe(opened);
    }
  });

  test('checkpoints of a batch that fail together for the environment are errors, each with its own message', () => {
    const ids = ['switched/a', 'switched/b'];
    const planned = ids.map((id) => ({ id, phase: 'migrate' as const, node: id.slice(-1) }));
    const tape = new Tape().started({ checkpoints: planned });
    for (const id of ids) tape.emit(checkpoint(id, { outcome: 'failed', message: `${id}: overloaded` }));
    const end = { reason: 'runner-overloaded', message: 'switched/a: overloaded', failedCheckpoint: ids[0]! } as const;
    const xml = junitXml(storyOf(tape.emit(verdict({ verdict: 'error', ...end })).events));
    expect([...xml.matchAll(/<error type="([^"]*)" message="([^"]*)"/g)].map((match) => match.slice(1))).toEqual([
      ['runner-overloaded', 'switched/a: overloaded'],
      ['runner-overloaded', 'switched/b: overloaded'],
    ]);
  });

  test('a run that ended before any phase is red all the same', () => {
    const tape = new Tape().started({ checkpoints: [] });
    const end = verdict({ verdict: 'refused', reason: 'scenario-invalid', message: 'a "b" <c>' });
    const xml = junitXml(storyOf(tape.emit(end).events));
    expect(xml).toContain('<testsuite name="check" tests="1" failures="0" errors="1"');
    expect(xml).toContain('message="a &quot;b&quot; &lt;c&gt;"');
  });
});
