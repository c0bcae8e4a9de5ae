/** The container `tigera-operator`: reconciles while it runs and the API answers; without it nothing here happens by itself. */
import type { Condition } from '../../../../kube/objects.ts';
import type { Cancel, ContainerContext, Process, Program, World } from '../../../world.ts';
import { type Release, releaseOfOperator } from '../release.ts';
import type { RenderInput } from '../render/common.ts';
import { type Installation, RESOURCES } from '../types.ts';
import { components, reconcileComponent, wanted } from './components.ts';
import { coreWorkloads, reconcileCore } from './core.ts';
import { type CrdKeeper, crdKeeper } from './crds.ts';
import { fillDefaults, validate } from './installation.ts';
import { reconcilePools } from './pools.ts';
import { dropStatus, type Report, writeStatus } from './status.ts';
import { expectedTyphaReplicas, scaleTypha, TYPHA_PERIOD } from './typha-scale.ts';

/** Status is gathered every 5 s; unfinished work is looked at again after the same time. */
const PERIOD = 5_000;
const REACTION = 300;
/** Longest wait for a terminating Installation on SIGTERM; the pod's grace period is as long. */
const SHUTDOWN_WAIT = 60_000;

const WATCHED = [
  RESOURCES.installations,
  RESOURCES.apiServers,
  RESOURCES.goldmanes,
  RESOURCES.whiskers,
  RESOURCES.pools,
  RESOURCES.crds,
];

export const tigeraOperator: Program = (context) => {
  const release = releaseOfOperator(context.image);
  if (!release) {
    context.after(100, () => context.exit(64, `not modelled: ${context.image}`));
    return { ports: [] };
  }
  return new TigeraOperator(context, release).process();
};

class TigeraOperator {
  private readonly context: ContainerContext;
  private readonly world: World;
  private readonly release: Release;
  private readonly crds: CrdKeeper | undefined;
  private readonly subscriptions: Cancel[] = [];
  private pending: Cancel | undefined;
  private ending = false;

  constructor(context: ContainerContext, release: Release) {
    this.context = context;
    this.world = context.world;
    this.release = release;
    this.crds = context.args.includes('-manage-crds=true') ? crdKeeper(context.world, release) : undefined;
  }

  process(): Process {
    this.context.after(this.context.random.integer(1500, 2500), () => this.start());
    return {
      ports: [],
      terminate: () => this.terminate(),
      stopped: () => {
        for (const cancel of this.subscriptions) cancel();
      },
    };
  }

  private start(): void {
    for (const resource of WATCHED) {
      this.subscriptions.push(this.world.store.onChange(resource, () => this.soon()));
    }
    const tick = (): void => {
      this.reconcile();
      this.context.after(PERIOD, tick);
    };
    const scale = (): void => {
      if (this.world.apiAvailable() && !this.ending) scaleTypha(this.world);
      this.context.after(TYPHA_PERIOD, scale);
    };
    tick();
    this.context.after(TYPHA_PERIOD, scale);
  }

  private soon(): void {
    this.pending ??= this.context.after(REACTION, () => {
      this.pending = undefined;
      this.reconcile();
    });
  }

  private installation(): Installation | undefined {
    const { store } = this.world;
    return store.has(RESOURCES.installations) ? store.get<Installation>(RESOURCES.installations, 'default') : undefined;
  }

  private terminate(): number {
    const waits = this.release.waitsOnShutdown && this.installation()?.metadata.deletionTimestamp !== undefined;
    this.ending = !waits;
    if (!waits) return 50;
    const look = (): void => {
      if (!this.installation()) this.context.exit(0);
      else this.context.after(1_000, look);
    };
    this.context.after(1_000, look);
    return SHUTDOWN_WAIT;
  }

  private reconcile(): void {
    if (this.ending || !this.world.apiAvailable()) return;
    this.crds?.ensure();
    const installation = this.installation();
    if (!installation || !this.world.store.has(RESOURCES.tigeraStatuses)) {
      this.withoutInstallation();
      return;
    }
    const problem = this.prepare(installation);
    const current = this.installation();
    if (!current) return;
    if (problem) {
      this.report(current, problem, false);
      return;
    }
    const input = this.input(current);
    const pools = this.release.poolController ? reconcilePools(this.world, current) : undefined;
    if (pools) writeStatus(this.world, 'ippools', current, pools, []);
    const core = attempt(() => reconcileCore(this.world, input));
    for (const component of components(this.release)) {
      attempt(() => {
        reconcileComponent(this.world, component, input);
        return {};
      });
    }
    const left = this.installation();
    if (left) this.report(left, core, true);
    else this.withoutInstallation();
  }

  private input(installation: Installation): RenderInput {
    return {
      release: this.release,
      installation,
      goldmane: this.release.goldmane && wanted(this.world, { resource: RESOURCES.goldmanes }) !== undefined,
      typhaReplicas: expectedTyphaReplicas(this.world),
    };
  }

  /** Validates and writes the defaults back. @returns what is wrong with the Installation: nothing is rendered then */
  private prepare(installation: Installation): Report | undefined {
    const draft = structuredClone(installation);
    const invalid = (message: string): Report => ({
      degraded: { reason: 'InvalidConfigurationError', message: `Invalid Installation provided: ${message}` },
    });
    fillDefaults(this.world, this.release, draft);
    const message = validate(draft.spec);
    if (message) return invalid(message);
    if (!installation.metadata.deletionTimestamp) {
      this.world.store.update<Installation>(RESOURCES.installations, { name: 'default' }, (object) => {
        object.spec = draft.spec;
      });
    }
    return undefined;
  }

  private report(installation: Installation, report: Report, rendered: boolean): void {
    const watched = coreWorkloads({ installation });
    const conditions = writeStatus(this.world, 'calico', installation, report, watched);
    if (this.release.tier && rendered) writeStatus(this.world, 'tiers', installation, {}, []);
    const is = (type: string): string => conditions.find((one: Condition) => one.type === type)?.status ?? 'Unknown';
    this.world.store.update<Installation>(
      RESOURCES.installations,
      { name: 'default' },
      (draft) => {
        draft.status = {
          ...draft.status,
          calicoVersion: this.release.version,
          computed: draft.spec,
          mtu: 1450,
          variant: 'Calico',
          conditions: [
            { type: 'Ready', status: is('Available') },
            { type: 'Degraded', status: is('Degraded') },
            { type: 'Progressing', status: is('Progressing') },
          ].map((condition) => ({ ...condition, observedGeneration: draft.metadata.generation ?? 1 })),
        };
      },
      { subresource: 'status' },
    );
  }

  private withoutInstallation(): void {
    if (!this.world.store.has(RESOURCES.tigeraStatuses)) return;
    for (const name of ['calico', 'ippools', 'tiers']) dropStatus(this.world, name);
    for (const component of components(this.release)) {
      const subject = wanted(this.world, component);
      if (!subject) dropStatus(this.world, component.status);
      else {
        const message = 'Installation not found';
        writeStatus(this.world, component.status, subject, { degraded: { reason: 'ResourceNotFound', message } }, []);
      }
    }
  }
}

/** An error of the API ends the pass and shows in the status; the next pass tries again. */
function attempt(action: () => Report): Report {
  try {
    return action();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { degraded: { reason: 'ResourceUpdateError', message } };
  }
}
