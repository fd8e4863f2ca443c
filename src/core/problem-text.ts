// A problem in one line: what it is, and what to do about it.
import type { Problem } from '../contract/fault.ts';

export const problemText = ({ message, hint }: Problem): string => (hint ? `${message} (${hint})` : message);
