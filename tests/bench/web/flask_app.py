"""Peers of bench_web.py under gunicorn: Flask passing the stored bytes on
(/bytes), and decoding and encoding them (/json)."""
import json
import os

import redis
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
store = redis.Redis(unix_socket_path=os.environ["SOCKET"])


def stored():
    return store.get("stock_data:%s:%s" % (request.args["index"],
                                           request.args["sector"]))


@app.get("/bytes")
def as_bytes():
    return Response(stored(), mimetype="application/json")


@app.get("/json")
def as_json():
    return jsonify(json.loads(stored()))
