/** The programs behind images. */
import type { Cancel, InitProgram, Program, ProgramCatalogue } from '../world.ts';

/**
 * Repository of an image reference without registry, tag and digest: `quay.io/calico/node:v3.31.7` is `calico/node`.
 * As in docker's reference grammar, the first part is a registry when it has a dot or a colon or is `localhost`.
 */
export function repositoryOf(image: string): string {
  const parts = image.split('@')[0]!.split('/');
  if (parts.length > 1 && (/[.:]/.test(parts[0]!) || parts[0] === 'localhost')) parts.shift();
  parts.push(parts.pop()!.split(':')[0]!);
  return parts.join('/');
}

export function createProgramCatalogue(): ProgramCatalogue {
  const programs = new Map<string, Program>();
  const onMachines = new Map<string, Map<string, Program>>();
  const inits = new Map<string, InitProgram>();
  const lookup = <T>(map: Map<string, T>, image: string, container: string): T | undefined => {
    const repository = repositoryOf(image);
    return map.get(`${repository}#${container}`) ?? map.get(repository);
  };
  return {
    register: (key, program) => void programs.set(key, program),
    registerInit: (key, program) => void inits.set(key, program),
    registerOn: (machine, key, program): Cancel => {
      const own = onMachines.get(machine) ?? new Map<string, Program>();
      onMachines.set(machine, own);
      own.set(key, program);
      return () => {
        if (own.get(key) === program) own.delete(key);
      };
    },
    find: (image, container, machine) => {
      const own = machine === undefined ? undefined : onMachines.get(machine);
      return (own && lookup(own, image, container)) ?? lookup(programs, image, container);
    },
    findInit: (image, container) => lookup(inits, image, container),
  };
}
