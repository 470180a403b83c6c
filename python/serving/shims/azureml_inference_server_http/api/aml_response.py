"""AMLResponse: status, headers and body of an answer, chosen by run()."""

import json


class Headers(list):
    """Pairs, as repeated headers are allowed."""

    def items(self):
        return list(self)


class AMLResponse:
    def __init__(self, message, status_code, response_headers={}, json_str=False, run_function_failed=False):
        self.status_code = status_code
        named = {name.lower() for name in response_headers}
        plain = "text/html; charset=utf-8"
        if message is None or json_str:
            content, kind = json.dumps({} if message is None else message), "application/json"
        else:
            content, kind = message, plain
        self.content = content.encode() if isinstance(content, str) else bytes(content)
        self.headers = Headers()
        if not (kind == plain and "content-type" in named):
            self.headers.append(("Content-Type", kind))
        self.headers.append(("x-ms-run-function-failed", str(run_function_failed)))
        for name, value in response_headers.items():
            self.headers.extend((name, part.strip()) for part in value.split(","))

    def get_data(self):
        return self.content
