/** Images on one node; they live in /var and survive restarts of the container. */
import { imageExists, isPreloaded, pullMilliseconds } from '../images.ts';
import type { SimulatedTime } from '../world.ts';

export class ImageStore {
  readonly #time: SimulatedTime;
  /** When each image is, or will be, complete. */
  readonly #completeAt = new Map<string, number>();
  #queueFreeAt = 0;

  constructor(time: SimulatedTime) {
    this.#time = time;
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
    const done = Math.max(now, this.#queueFreeAt) + pullMilliseconds(image);
    this.#queueFreeAt = done;
    this.#completeAt.set(image, done);
    return { ms: done - now };
  }
}
