// The peer of bench_web.py in node: http and ioredis, the stored bytes passed on.
"use strict";
const http = require("http");
const Redis = require("ioredis");
const [, , port, socket] = process.argv;
const redis = new Redis({ path: socket });

http.createServer(async (request, answer) => {
	const q = new URL(request.url, "http://localhost").searchParams;
	const body = await redis.getBuffer(
		`stock_data:${q.get("index")}:${q.get("sector")}`);
	answer.writeHead(body === null ? 404 : 200, {
		"Content-Type": "application/json",
		"Content-Length": body === null ? 0 : body.length });
	answer.end(body);
}).listen(Number(port), "127.0.0.1");
