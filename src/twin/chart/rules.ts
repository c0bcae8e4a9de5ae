/** The chart's own `fail` rules (templates/validate.yaml of 1.14 to 1.20), as far as a Calico migration can meet them. */
import type { JsonObject } from '../../scenario/scenario.ts';
import { ciliumMinor } from './data.ts';
import { valueAt } from './merge.ts';

/** The message of the first rule that the merged values break, as the template's `fail` gives it; undefined when none. */
export function chartFailure(version: string, values: JsonObject): string | undefined {
  const minor = ciliumMinor(version);
  const at = (path: string): unknown => valueAt(values, path);
  const text = (path: string): string => {
    const value = at(path);
    return value === undefined || value === null ? '' : String(value);
  };
  if (minor >= 15 && text('tunnel') !== '')
    return 'tunnel was deprecated in v1.14 and has been removed in v1.15. For details please refer to https://docs.cilium.io/en/v1.15/operations/upgrade/#helm-options';
  const replacement = text('kubeProxyReplacement');
  const accepted = minor <= 15 ? ['true', 'false', 'disabled', 'partial', 'strict'] : ['true', 'false'];
  if (replacement !== '' && !accepted.includes(replacement))
    return `kubeProxyReplacement must be explicitly set to a valid value (${accepted.join(', ')}) to continue.`;
  const name = text('cluster.name');
  if (minor >= 16 && !/^([a-z0-9][-a-z0-9]*)?[a-z0-9]$/.test(name))
    return "The cluster name is invalid: it must consist of lower case alphanumeric characters and '-', and must start and end with an alphanumeric character";
  if (minor >= 16 && name.length > 32) return 'The cluster name is invalid: it must not exceed 32 characters';
  if (name === 'default' && Number(text('cluster.id')) !== 0)
    return 'The cluster name is invalid: cannot use default value with cluster.id != 0';
  if (minor >= 18 && at('routingMode') === 'native' && text('ipv4NativeRoutingCIDR') === '')
    return 'native routing mode requires ipv4NativeRoutingCIDR to be set';
  if (minor <= 18 && text('ipam.operator.clusterPoolIPv4PodCIDR') !== '')
    return 'ipam.operator.clusterPoolIPv4PodCIDR is no longer supported: use ipam.operator.clusterPoolIPv4PodCIDRList';
  if (at('hubble.enabled') === false && at('hubble.relay.enabled') === true)
    return 'Hubble Relay requires .Values.hubble.enabled=true';
  if (at('hubble.ui.enabled') === true && at('hubble.relay.enabled') !== true)
    return 'Hubble UI requires .Values.hubble.relay.enabled=true';
  return undefined;
}
