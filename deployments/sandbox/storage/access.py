"""Which permissions one has on a bucket (Google: "Buckets: testIamPermissions")."""

from collections.abc import Collection

from deployments.sandbox.storage.http import Request, Response, answer
from deployments.sandbox.storage.store import ObjectStore
from deployments.sandbox.storage.store_errors import BadRequest, Required

MOST = 100


class AccessMethods:
    """The handler of the question on one store. Everybody has every permission but those in `denied`."""

    def __init__(self, store: ObjectStore, denied: Collection[str]) -> None:
        """`denied` is looked at with every question."""
        self._store = store
        self._denied = denied

    def test(self, request: Request, bucket: str) -> Response:
        """buckets.testIamPermissions: those of the permissions asked for that one has, in the order of the question."""
        wanted = request.every("permissions")
        if not wanted:
            raise Required("Required parameter: permissions")
        self._store.bucket(bucket)
        if wrong := [one for one in wanted if not one.startswith(("storage.buckets.", "storage.objects."))]:
            raise BadRequest(f"Invalid permission: '{wrong[0]}'.")
        if len(wanted) > MOST:
            raise BadRequest(f"At most {MOST} permissions can be tested at once.")
        held = [one for one in wanted if one not in self._denied]
        body: dict[str, object] = {"kind": "storage#testIamPermissionsResponse"}
        return answer(body | ({"permissions": held} if held else {}))
