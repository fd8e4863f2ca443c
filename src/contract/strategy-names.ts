// The strategies a manifest and the command line may name; `auto` chooses among the others.
export const strategyNames = ['auto', 'stop-and-copy'] as const;
