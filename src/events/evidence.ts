/** Names that the gatherer of evidence and the reports agree on. */

/** The directory beside the reports that holds what was gathered. */
export const EVIDENCE = 'evidence';
/** What is in it and what is missing, for people; an event. */
export const EVIDENCE_README = 'README.md';
/** The last lines of the log that shows the cause, below a line that says whose words they are; an event. */
export const CAUSE_LOG = 'cause.log';
