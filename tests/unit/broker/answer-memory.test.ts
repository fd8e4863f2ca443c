// What is remembered, and for how long.
import { expect, it } from '@jest/globals';
import { AnswerMemory } from '../../../src/broker/answer-memory.ts';
import type { Answer } from '../../../src/broker/codec.ts';

const content = Buffer.from('request');
const done: Answer = { result: {} };

it('forgets the oldest answers, and nothing that is under way', async () => {
  const memory = new AnswerMemory(2);
  const never = new Promise<Answer>(() => {});
  memory.add('under-way', 'host.put', content, never);
  for (const id of ['1', '2', '3']) await memory.add(id, 'host.put', content, Promise.resolve(done)).answer;
  await Promise.resolve();
  expect(['under-way', '1', '2', '3'].map((id) => memory.get(id)?.settled)).toEqual([
    undefined,
    undefined,
    done,
    done,
  ]);
  expect(memory.get('under-way')).toBeDefined();
  expect(memory.get('1')).toBeUndefined();
});

it('knows a request again by its bytes', () => {
  const memory = new AnswerMemory(2);
  const entry = memory.add('id', 'host.put', content, Promise.resolve(done));
  expect(memory.find('id', Buffer.from('request'))).toBe(entry);
  expect(memory.find('other', content)).toBeUndefined();
  expect(() => memory.find('id', Buffer.from('another'))).toThrow('was used for another request');
});
