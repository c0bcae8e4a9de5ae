import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from '../../../../src/twin/actors/goldpinger/due-queue.ts';

test('gives back what was put in by time, at one time in the order of arrival, whatever comes between', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { freq: 3 })), (actions) => {
      const queue = new DueQueue<{ next: number; id: number }>();
      const model: { next: number; id: number }[] = [];
      actions.forEach((action, id) => {
        if (action === null) {
          const first = model.reduce<{ next: number; id: number } | undefined>(
            (best, each) => (best === undefined || each.next < best.next ? each : best),
            undefined,
          );
          if (first !== undefined) model.splice(model.indexOf(first), 1);
          expect(queue.first).toBe(first?.next ?? Number.POSITIVE_INFINITY);
          expect(queue.pop()).toBe(first);
        } else {
          const item = { next: action, id };
          queue.push(item);
          model.push(item);
        }
      });
    }),
  );
});
