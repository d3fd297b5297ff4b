import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { Router } from 'zeromq';
import { bind } from '../src/transport/endpoint.ts';

const forgetful = () => {
  const error = Object.assign(new Error('Operation was not possible or timed out'), { code: 'EAGAIN' });
  return { bind: () => Promise.reject(error), close: () => {} } as unknown as Router;
};

test('a socket that has forgotten why it could not listen: the system says it', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(bind(forgetful(), `tcp://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  other.close();
  await once(other, 'close');
  await expect(bind(forgetful(), `tcp://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE' });
});
