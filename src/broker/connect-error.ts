// Says in plain words why a broker could not be reached or why a connection ended.
import { CmigError } from '../core/errors.ts';
import { type Tls, whatIsWrongWith } from './broker-tls.ts';

export interface BrokerAddress {
  /** host:port */
  endpoint: string;
  vhost: string;
  user: string;
}

const textOf = (error: unknown): string => String((error as Partial<Error> | undefined)?.message ?? error);
const systemCode = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

/** What the failure to connect means, with what to do about it; always of code `unreachable`. */
export function explainConnectFailure(
  error: unknown,
  { endpoint, vhost, user }: BrokerAddress,
  tls?: Tls,
): CmigError {
  if (error instanceof CmigError) return error;
  const text = textOf(error);
  const unreachable = (message: string, hint: string) =>
    new CmigError('unreachable', message, { hint, cause: error });
  if (tls && /EXTERNAL/.test(text)) {
    return unreachable(
      `the broker at ${endpoint} does not know the user "${user}" of this certificate`,
      'tell it: cmig broker definitions | rabbitmqctl import_definitions, where the authority is',
    );
  }
  if (/ACCESS[_-]REFUSED/.test(text)) {
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
  const theirs = whatIsWrongWithTheirs(systemCode(error));
  if (theirs) return unreachable(`the certificate of the broker at ${endpoint} ${theirs[0]}`, theirs[1]);
  const ours = tls && !/ETIMEDOUT/.test(text) ? whatIsWrongWith(tls) : undefined;
  if (ours) return unreachable(`the broker at ${endpoint} refuses us: ${ours.message}`, ours.hint);
  if (/SSL alert number|ERR_SSL/.test(`${text} ${String(systemCode(error))}`)) {
    return unreachable(
      `the broker at ${endpoint} and we do not agree on TLS: ${text.trim().split(':').slice(-2).join(':')}`,
      "does it know this installation's authority, and does it listen for amqps:// there?",
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

/** What Node says of the certificate that the broker shows. */
function whatIsWrongWithTheirs(code: unknown): [string, string] | undefined {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return ['has expired', 'have a new one made where the authority is: cmig broker issue'];
    case 'CERT_NOT_YET_VALID':
      return ['is not valid yet', 'are the clocks right, there and here?'];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return ['is for another name or address', 'use the name that stands in it, or have one made for this'];
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'CERT_SIGNATURE_FAILURE':
      return ['is from another authority', 'is it the right broker, and ca.crt that of this installation?'];
    default:
      return undefined;
  }
}

/** The connection was there and has gone. */
export const connectionLost = (endpoint: string, cause?: unknown): CmigError =>
  new CmigError('unreachable', `the connection to the broker at ${endpoint} was lost`, {
    hint: 'check that RabbitMQ runs and that the network is up, then try again',
    ...(cause === undefined ? {} : { cause }),
  });
