/** Images on one node; they live in /var and survive restarts of the container. */
import { imageExists, isPreloaded, pullMilliseconds } from '../images.ts';
import type { Cancel, SimulatedTime } from '../world.ts';
import { repositoryOf } from './programs.ts';

export class ImageStore {
  readonly #time: SimulatedTime;
  /** When each image is, or will be, complete. */
  readonly #completeAt = new Map<string, number>();
  #queueFreeAt = 0;
  /** Repository → milliseconds that its next pull takes. */
  readonly #pace = new Map<string, number>();

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  /**
   * All images of a repository are gone from the store (containers that run go on), and its next pull takes this long.
   * The result gives the next pull its usual pace back.
   */
  lose(repository: string, nextPullMs: number): Cancel {
    for (const image of [...this.#completeAt.keys()]) {
      if (repositoryOf(image) === repository) this.#completeAt.delete(image);
    }
    this.#pace.set(repository, nextPullMs);
    return () => void this.#pace.delete(repository);
  }

  /** Milliseconds until the image is there, pulling it if need be, or why it cannot be had. */
  pull(image: string): { ms: number } | { error: string } {
    const now = this.#time.now();
    if (isPreloaded(image)) return { ms: 0 };
    const complete = this.#completeAt.get(image);
    if (complete !== undefined) return { ms: Math.max(0, complete - now) };
    if (!imageExists(image)) {
      return {
        error: `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`,
      };
    }
    // The kubelet pulls one image after another (serializeImagePulls, its default).
    const repository = repositoryOf(image);
    const done = Math.max(now, this.#queueFreeAt) + (this.#pace.get(repository) ?? pullMilliseconds(image));
    this.#pace.delete(repository);
    this.#queueFreeAt = done;
    this.#completeAt.set(image, done);
    return { ms: done - now };
  }
}
