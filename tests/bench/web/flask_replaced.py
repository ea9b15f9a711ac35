"""The peer of bench_web.py that decodes and encodes as the replaced program does:
its reader, RedisDataManager.get_stock_data, makes a pandas.DataFrame of the
stored JSON, and its routes answer the records of one."""
import json

import pandas
from flask import jsonify

from flask_app import app, stored


@app.get("/replaced")
def as_the_replaced_program():
    table = pandas.DataFrame(json.loads(stored())["data"])
    return jsonify({"success": True, "data": table.to_dict("records")})
