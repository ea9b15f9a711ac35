// bullmq.js SOCKET add|drain TASKS [CONCURRENCY]: BullMQ on the Redis at that
// socket; prints the seconds that it took, from a connection that stands to
// the last answer.  Finished jobs are kept with their results, as is BullMQ's
// default.  Found by NODE_PATH.
'use strict';

const { Queue, Worker } = require('bullmq');

const [socket, mode, count, concurrency] = process.argv.slice(2);
const tasks = Number(count);
const connection = { path: socket, maxRetriesPerRequest: null };

async function add() {
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  const begin = performance.now();
  for (let done = 0; done < tasks; done += 1000) {
    const jobs = [];
    for (let i = done; i < Math.min(done + 1000, tasks); i++) {
      jobs.push({ name: 'probe', data: { type: 'probe', index: `p${i}` } });
    }
    await queue.addBulk(jobs);
  }
  const seconds = (performance.now() - begin) / 1000;
  await queue.close();
  return seconds;
}

async function drain() {
  const worker = new Worker('bench', async () => ({ success: true }), {
    connection, autorun: false, concurrency: Number(concurrency),
  });
  await worker.waitUntilReady();
  let done = 0;
  const all = new Promise((resolve, reject) => {
    worker.on('completed', () => {
      if (++done === tasks) {
        resolve();
      }
    });
    worker.on('failed', (job, why) => reject(why));
    worker.on('error', reject);
  });
  const begin = performance.now();
  const running = worker.run();
  await all;
  const seconds = (performance.now() - begin) / 1000;
  await worker.close();
  await running;
  return seconds;
}

(mode === 'add' ? add() : drain()).then((seconds) => {
  console.log(seconds.toFixed(6));
  process.exit(0);
}, (why) => {
  console.error(`bullmq.js: ${why}`);
  process.exit(1);
});
