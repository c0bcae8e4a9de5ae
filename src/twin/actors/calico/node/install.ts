/** calico-node's init containers. `install-cni` writes its files anew at every start (calico.md 4; observed). */
import type { InitProgram } from '../../../world.ts';

export const CNI_CONFLIST = '/etc/cni/net.d/10-calico.conflist';
export const CNI_KUBECONFIG = '/etc/cni/net.d/calico-kubeconfig';

/**
 * Binaries of the image calico/cni. Besides its own two it overwrites the reference plugins that it carries (calico.md 6.5);
 * those are part of the node image and stay when Calico goes.
 */
const BINARIES = ['calico', 'calico-ipam'];

/** Recorded, without a final newline. */
export function conflist(node: string): string {
  return `{
  "name": "k8s-pod-network",
  "cniVersion": "1.0.0",
  "plugins": [
    {
      "type": "calico",
      "log_level": "info",
      "log_file_path": "/var/log/calico/cni/cni.log",
      "datastore_type": "kubernetes",
      "nodename": "${node}",
      "mtu": 0,
      "ipam": {
          "type": "calico-ipam"
      },
      "policy": {
          "type": "k8s"
      },
      "kubernetes": {
          "kubeconfig": "/etc/cni/net.d/calico-kubeconfig"
      }
    },
    {
      "type": "portmap",
      "snat": true,
      "capabilities": {"portMappings": true}
    }
  ]
}`;
}

/** `calico-kubeconfig`: the token is a new one each time (walkthrough), so the file's time and text change. */
export function kubeconfig(token: string): string {
  return `# Kubeconfig file for Calico CNI plugin. Installed by calico/node.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://10.96.0.1:443
users:
- name: calico
  user:
    token: ${token}
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context`;
}

export const installCni: InitProgram = ({ machine, random }) => ({
  ms: random.integer(900, 1600),
  run: () => {
    for (const binary of BINARIES) machine.files.write(`/opt/cni/bin/${binary}`, binary, 0o755);
    const token = Array.from({ length: 8 }, () => random.integer(0, 0xffffffff).toString(16).padStart(8, '0')).join('');
    machine.files.write(CNI_KUBECONFIG, kubeconfig(`twin-${token}`), 0o600);
    machine.files.write(CNI_CONFLIST, conflist(machine.name), 0o600);
  },
});

/** flexvol-driver and ebpf-bootstrap leave nothing that anybody here looks at. */
export const shortInit: InitProgram = ({ random }) => ({ ms: random.integer(300, 700), run: () => {} });
