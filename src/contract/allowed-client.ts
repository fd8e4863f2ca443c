// Who may connect to an application.
import Type from 'typebox';
import { namePattern } from './protocol.ts';

const byte = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';

export const AllowedClient = Type.Object(
  {
    application: Type.Optional(
      Type.String({ pattern: namePattern, description: 'The application of this name.' }),
    ),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Every application that has all these labels.',
      }),
    ),
    cidr: Type.Optional(
      Type.String({
        pattern: `^(${byte}\\.){3}${byte}/(3[0-2]|[12]?[0-9])$`,
        description: 'Addresses, such as 10.20.0.0/16; through published ports too.',
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'Clients: exactly one of application, labels, cidr.',
  },
);
export type AllowedClient = Type.Static<typeof AllowedClient>;
