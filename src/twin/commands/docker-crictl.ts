/** `crictl` on a node: sandboxes and their processes. */
import type { CommandResult } from '../../host/host.ts';
import { answer, failure } from './command.ts';
import type { NodeDoors } from './docker-exec.ts';

const NO_RUNTIME =
  'FATA[0000] validate service connection: validate CRI v1 runtime API for endpoint "unix:///run/containerd/containerd.sock": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"\n';

/** undefined for words that are not in the decision record. */
export function crictl({ cluster, machine }: NodeDoors, args: readonly string[]): CommandResult | undefined {
  const sandboxes = (): { id: string; pid: number; namespace: string; name: string }[] =>
    cluster.pods
      .on(machine.name)
      .flatMap(({ sandbox, pod }) =>
        sandbox === undefined
          ? []
          : [{ ...sandbox, namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name }],
      );
  if (args[0] === 'pods') {
    const [, namespaceFlag, namespace, nameFlag, name, stateFlag, state, quiet] = args;
    const known =
      args.length === 8 &&
      namespaceFlag === '--namespace' &&
      nameFlag === '--name' &&
      stateFlag === '--state' &&
      state === 'ready' &&
      quiet === '--quiet';
    if (!known) return undefined;
    if (!machine.running()) return failure(NO_RUNTIME);
    // crictl takes the name as a regular expression.
    const pattern = new RegExp(name!);
    const found = sandboxes().filter((sandbox) => sandbox.namespace === namespace && pattern.test(sandbox.name));
    return answer(found.map((sandbox) => `${sandbox.id}\n`).join(''));
  }
  const inspect = ['inspectp', '--output', 'go-template', '--template', '{{.info.pid}}'];
  if (args.length !== 6 || inspect.some((word, index) => args[index] !== word)) return undefined;
  if (!machine.running()) return failure(NO_RUNTIME);
  const found = sandboxes().find((sandbox) => sandbox.id.startsWith(args[5]!));
  if (found !== undefined) return answer(`${found.pid}\n`);
  return failure(
    `FATA[0000] getting the status of the pod sandbox "${args[5]}": rpc error: code = NotFound desc = an error occurred when try to find sandbox: not found\n`,
  );
}
