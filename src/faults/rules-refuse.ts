/**
 * Do preflight rules refuse what is in their way? While there are none, the drill runs every fault as if its rule were
 * allowed, and `latent` shows no finding.
 */
export const RULES_REFUSE: boolean = false;
