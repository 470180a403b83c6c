"""The request a script decorated with @rawhttp gets: Flask's where Flask is installed, else the part of it that scripts use."""

from __future__ import annotations

import io
import json
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Dict, List, Optional
from urllib.parse import parse_qs

from httpd import Request


class MultiDict(Dict[str, Any]):
    """First value by key; `getlist` for all."""

    def __init__(self, lists: Dict[str, List[Any]]) -> None:
        super().__init__({name: values[0] for name, values in lists.items()})
        self.lists = lists

    def getlist(self, name: str) -> List[Any]:
        return list(self.lists.get(name, []))


class HeaderDict(Dict[str, str]):
    """Looked up without regard to case."""

    def __init__(self, pairs: Any) -> None:
        super().__init__()
        for name, value in pairs:
            self[name.title()] = value

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.title())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.title())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.title(), default)


class UploadedFile(io.BytesIO):
    def __init__(self, content: bytes, filename: str, content_type: str) -> None:
        super().__init__(content)
        self.filename = filename
        self.content_type = self.mimetype = content_type

    @property
    def stream(self) -> "UploadedFile":
        return self

    def save(self, path: str) -> None:
        with open(path, "wb") as file:
            file.write(self.getvalue())


class RawRequest:
    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.path = request.path
        self.query_string = request.query.encode()
        self.full_path = f"{request.path}?{request.query}"
        self.headers = HeaderDict(request.headers)
        self.content_type = request.header("content-type")
        self.mimetype = (self.content_type or "").split(";")[0].strip().lower()
        self.args = MultiDict(parse_qs(request.query, keep_blank_values=True))
        self.url = f"http://{request.header('host') or 'localhost'}{request.path}" + (f"?{request.query}" if request.query else "")
        self.body = request.body
        self.form = MultiDict({})
        self.files = MultiDict({})
        self.is_form = False
        if self.mimetype == "application/x-www-form-urlencoded":
            self.is_form = True
            self.form = MultiDict(parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        elif self.mimetype == "multipart/form-data":
            self.is_form = True
            self.read_parts()

    def read_parts(self) -> None:
        head = f"Content-Type: {self.content_type}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        form: Dict[str, List[Any]] = {}
        files: Dict[str, List[Any]] = {}
        for part in message.iter_parts() if message.is_multipart() else []:
            name = str(part.get_param("name", "", header="content-disposition"))
            content = part_bytes(part)
            filename = part.get_filename()
            if filename is None:
                form.setdefault(name, []).append(content.decode("utf-8", "replace"))
            else:
                files.setdefault(name, []).append(UploadedFile(content, filename, part.get_content_type()))
        self.form, self.files = MultiDict(form), MultiDict(files)

    @property
    def data(self) -> bytes:
        return b"" if self.is_form else self.body

    @property
    def content_length(self) -> int:
        return len(self.body)

    @property
    def is_json(self) -> bool:
        return self.mimetype == "application/json" or (self.mimetype.startswith("application/") and self.mimetype.endswith("+json"))

    @property
    def json(self) -> Any:
        return self.get_json()

    @property
    def stream(self) -> io.BytesIO:
        return io.BytesIO(self.body)

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        return self.body.decode("utf-8", "replace") if as_text else self.body

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Optional[Any]:
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            if silent:
                return None
            raise


def part_bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def make_raw_request(request: Request) -> Any:
    try:
        from flask import Request as FlaskRequest
    except ImportError:
        return RawRequest(request)
    environ: Dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return FlaskRequest(environ)
