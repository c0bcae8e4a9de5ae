/** What must pass on kind before main is trusted, and what must not: real faults that must be seen where they are. */

export interface E2eCase {
  readonly name: string;
  readonly scenario: string;
  /** As `--fault` takes it; empty: none. */
  readonly fault: string;
  /** The rule that would refuse it; empty: none does. */
  readonly allow: string;
  /** As `--expect` takes it. */
  readonly expect: string;
}

/** The ends are those of the faults' entries (docs/faults.md); a test runs every case on the twin. */
export const E2E_CASES: readonly E2eCase[] = [
  { name: 'lab passes', scenario: 'lab', fault: '', allow: '', expect: 'passed' },
  {
    name: 'one tunnel port for both fails',
    scenario: 'minimal',
    fault: 'tunnel-port-clash',
    allow: 'tunnel-port-clash',
    expect: 'failed:secondary-installed',
  },
  {
    name: 'a blocked tunnel port fails',
    scenario: 'lab',
    fault: 'tunnel-port-blocked:node=kind-worker3',
    allow: '',
    expect: 'failed:switched/*',
  },
  {
    name: 'policies by selector fail',
    scenario: 'lab',
    fault: 'policy-selectors',
    allow: 'policy-across-cnis',
    expect: 'failed:switched/*',
  },
  {
    name: 'a budget that is never met fails',
    scenario: 'minimal',
    fault: 'pdb-never-met:node=kind-worker',
    allow: '',
    expect: 'failed:drained/kind-worker',
  },
];
