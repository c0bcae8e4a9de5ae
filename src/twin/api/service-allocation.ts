/** Cluster addresses and node ports of Services. */
import type { Random } from '../../time/random.ts';
import { isMap, type JsonMap } from './json.ts';
import { type FieldProblem, invalid } from './status.ts';

/** Default range of kube-apiserver's --service-node-port-range. */
const FIRST_PORT = 30_000;
const LAST_PORT = 32_767;

export interface ServiceAllocation {
  /** Gives a Service its cluster address and node ports; returns problems of those that it asked for. */
  allocate(service: JsonMap, others: readonly JsonMap[]): FieldProblem[];
}

const specOf = (service: JsonMap): JsonMap => (isMap(service.spec) ? service.spec : {});
const portsOf = (service: JsonMap): JsonMap[] => ((specOf(service).ports as JsonMap[] | undefined) ?? []).filter(isMap);

/** Allocation inside a service CIDR such as `10.96.0.0/16`; random like the real one, from the given stream. */
export function createServiceAllocation(subnet: string, random: Random): ServiceAllocation {
  const [base = '', bits = '16'] = subnet.split('/');
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const text = (address: number): string =>
    [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

  const address = (others: readonly JsonMap[]): string => {
    const taken = new Set(others.map((other) => specOf(other).clusterIP));
    // The lower part is kept for addresses that are asked for (kubernetes ServiceIPStaticSubrange): min(max(16, size/16), 256).
    const reserved = Math.min(Math.max(16, size / 16), 256);
    for (let tries = 0; tries < 1_000; tries++) {
      const candidate = text(first + random.integer(reserved, size - 2));
      if (!taken.has(candidate)) return candidate;
    }
    throw new Error(`no free address in the service subnet ${subnet}`);
  };

  const inRange = (asked: string): boolean => {
    const number = asked.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    return number > first && number < first + size - 1;
  };

  return {
    allocate: (service, others) => {
      const spec = specOf(service);
      const problems: FieldProblem[] = [];
      if (spec.type === 'ExternalName') return problems;
      spec.ipFamilies ??= ['IPv4'];
      spec.ipFamilyPolicy ??= 'SingleStack';
      const asked = spec.clusterIP;
      if (asked === undefined || asked === '') spec.clusterIP = address(others);
      else if (asked !== 'None' && !inRange(String(asked))) {
        const text = `failed to allocate IP ${String(asked)}: the provided network does not match the current range`;
        problems.push(invalid('spec.clusterIPs', [asked], text));
      } else if (asked !== 'None' && others.some((other) => specOf(other).clusterIP === asked)) {
        problems.push(
          invalid(
            'spec.clusterIPs',
            [asked],
            `failed to allocate IP ${String(asked)}: provided IP is already allocated`,
          ),
        );
      }
      spec.clusterIPs = [spec.clusterIP];
      if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return problems;
      const taken = new Set(
        others.flatMap((other) => portsOf(other).map((port) => `${String(port.protocol)}/${String(port.nodePort)}`)),
      );
      for (const [index, port] of portsOf(service).entries()) {
        const field = `spec.ports[${index}].nodePort`;
        const wanted = port.nodePort;
        const key = (number: number): string => `${String(port.protocol ?? 'TCP')}/${number}`;
        if (typeof wanted === 'number' && wanted !== 0) {
          if (wanted < FIRST_PORT || wanted > LAST_PORT) {
            const range = `provided port is not in the valid range. The range of valid ports is ${FIRST_PORT}-${LAST_PORT}`;
            problems.push(invalid(field, wanted, range));
          } else if (taken.has(key(wanted))) {
            problems.push(invalid(field, wanted, 'provided port is already allocated'));
          }
          taken.add(key(wanted));
          continue;
        }
        let free = random.integer(FIRST_PORT, LAST_PORT);
        while (taken.has(key(free))) free = free === LAST_PORT ? FIRST_PORT : free + 1;
        port.nodePort = free;
        taken.add(key(free));
      }
      return problems;
    },
  };
}
