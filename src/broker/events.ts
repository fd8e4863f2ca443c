// Events, both ways.
export { EventPublisher } from './event-publisher.ts';
export { type EventSubscription, type SubscribeOptions, subscribeEvents } from './event-subscription.ts';
