/** Entry of the action's post step. */
import { finish } from './finish.ts';
import { leave } from './leave.ts';
import { thisRunner } from './runner.ts';

const runner = thisRunner();
try {
  await finish(process.env, runner);
} catch (error) {
  // The job is what main made of it.
  runner.warn(`the clean-up was not completed: ${error instanceof Error ? error.message : String(error)}`);
}
await leave(0);
