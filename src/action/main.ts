/** Entry of the action's main step. */
import { leave } from './leave.ts';
import { rehearse } from './rehearse.ts';
import { thisRunner } from './runner.ts';
import { listenForCancellation } from './signals.ts';

const cancellation = listenForCancellation(() => process.exit(1));
await leave(await rehearse(process.env, thisRunner(), cancellation));
