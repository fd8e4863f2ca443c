// Streams one numbered line every 50 ms to each connection on port 7000.
const { createServer } = require('node:net');

createServer((client) => {
  let number = 0;
  const timer = setInterval(() => {
    number += 1;
    client.write(`${number}\n`);
  }, 50);
  client.on('error', () => {});
  client.on('close', () => clearInterval(timer));
}).listen(Number(process.env.PORT ?? 7000));

// As process 1 of a container it is only stopped by a signal that it handles.
process.on('SIGTERM', () => process.exit(0));
