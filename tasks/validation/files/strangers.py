"""What is often stored in the place of a file: a server's error page, or the pointer that Git LFS keeps for it.

Git LFS pointers: git-lfs, docs/spec.md. Error pages: Cloud Storage and S3 answer with `<Error><Code>` in XML.
"""

from __future__ import annotations

import re

HEAD_BYTES = 512
"""Bytes that are enough to know one."""
_POINTER = re.compile(rb"(?:\xef\xbb\xbf)?version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v\d")
_XML_ANSWER = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<Error(?:\s[^>]*)?>\s*<(?:Code|Message|RequestId)>")
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|title|\?xml|error)\b", re.IGNORECASE)
_JSON_ANSWER = re.compile(rb'\s*\{\s*"error"\s*:\s*\{\s*"(?:code|message|errors|status)"')


def stranger(head: bytes, *, text: bool = False) -> str:
    """What stands in the file's place by its first `HEAD_BYTES`, for a sentence; empty when nothing does.

    `text`: the file may be text of any kind, so only what can be nothing else counts.
    """
    if _POINTER.match(head):
        return "the pointer that Git LFS keeps for a file"
    if _XML_ANSWER.match(head):
        return "a server's error answer"
    if not text and _JSON_ANSWER.match(head):
        return "a server's error answer"
    if not text and _PAGE.match(head):
        return "a web page"
    return ""
