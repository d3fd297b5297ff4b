import type { Socket } from 'zeromq';
import { ChatError } from '../errors.ts';
import { localAddresses, portOf } from './endpoint.ts';

/** Binds and returns the endpoint in use (with the real port). libzmq's errors become words here, once. */
export async function bind(
  socket: Socket & { bind(endpoint: string): Promise<void> },
  endpoint: string,
): Promise<string> {
  try {
    await socket.bind(endpoint);
  } catch (error) {
    socket.close();
    throw translate(error, endpoint);
  }
  return socket.lastEndpoint ?? endpoint;
}

function translate(error: unknown, endpoint: string): unknown {
  const port = portOf(endpoint);
  const host = endpoint.slice('tcp://'.length, endpoint.lastIndexOf(':'));
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ChatError(
        'ADDRESS_IN_USE',
        `port ${port} is already in use.`,
        'Is a server running already? Choose another with --port.',
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return new ChatError(
        'NOT_PERMITTED',
        `no right to listen on port ${port}.`,
        'Ports below 1024 are for the administrator. Choose another with --port.',
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return new ChatError(
        'ADDRESS_NOT_AVAILABLE',
        `this machine has no address "${host}".`,
        `Use --ip all, or one of: ${localAddresses().join(', ')}`,
        error,
      );
    default:
      return error;
  }
}
