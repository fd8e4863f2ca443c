// Says in plain words why a broker could not be reached or why a connection ended.
import { CmigError } from '../core/errors.ts';

export interface BrokerAddress {
  /** host:port */
  endpoint: string;
  vhost: string;
  user: string;
}

const textOf = (error: unknown): string => String((error as Partial<Error> | undefined)?.message ?? error);
const systemCode = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

/** What the failure to connect means, with what to do about it; always of code `unreachable`. */
export function explainConnectFailure(error: unknown, { endpoint, vhost, user }: BrokerAddress): CmigError {
  if (error instanceof CmigError) return error;
  const text = textOf(error);
  const unreachable = (message: string, hint: string) =>
    new CmigError('unreachable', message, { hint, cause: error });
  if (/ACCESS[_-]REFUSED|403/.test(text)) {
    return unreachable(
      `the broker at ${endpoint} refuses the login of user "${user}"`,
      "check the credentials file of this context: the broker's user and password stand there as user:password",
    );
  }
  // The library keeps the broker's own words to itself here; only the virtual host is still open at this point.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    return unreachable(
      `the broker at ${endpoint} has no virtual host "${vhost}", or user "${user}" may not use it`,
      "check the end of the broker's URL; on the broker: rabbitmqctl add_vhost, rabbitmqctl set_permissions",
    );
  }
  switch (systemCode(error)) {
    case 'ECONNREFUSED':
      return unreachable(
        `no broker listens at ${endpoint}`,
        'start RabbitMQ there, or choose another context (cmig config)',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(
        `the broker's host name in ${endpoint} is not known`,
        "check the spelling of the broker's URL",
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return unreachable(
        `there is no route to the broker at ${endpoint}`,
        'check the network and the address',
      );
  }
  if (/ETIMEDOUT/.test(text) || systemCode(error) === 'ETIMEDOUT') {
    return unreachable(
      `the broker at ${endpoint} did not answer in time`,
      'check the network, a firewall between, and that RabbitMQ has finished starting',
    );
  }
  if (/abruptly|Expected AMQP|Invalid frame|ECONNRESET|protocol/i.test(text)) {
    return unreachable(
      `what listens at ${endpoint} broke the connection off before the login was through`,
      'is it RabbitMQ, has it finished starting, and is amqp:// or amqps:// right?',
    );
  }
  return unreachable(`the broker at ${endpoint} cannot be used: ${text}`, 'check that RabbitMQ is well');
}

/** The connection was there and has gone. */
export const connectionLost = (endpoint: string, cause?: unknown): CmigError =>
  new CmigError('unreachable', `the connection to the broker at ${endpoint} was lost`, {
    hint: 'check that RabbitMQ runs and that the network is up, then try again',
    ...(cause === undefined ? {} : { cause }),
  });
