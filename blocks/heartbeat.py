"""The dead man's heartbeat: said to somebody outside as long as all is well, so that silence is noticed."""

from __future__ import annotations

from pydantic import Field, SecretStr

from blocks.base import RemediationBlock
from blocks.errors import TemporaryError


class Heartbeat(RemediationBlock):
    """Where the watchdog says that it lives: a monitor that raises an alarm when it hears nothing."""

    _block_type_name = "Remediation Heartbeat"
    _block_type_slug = "remediation-heartbeat"
    _description = "A monitor outside that raises an alarm when the watchdog is silent, as a dead man's switch."

    url: SecretStr = Field(
        default=SecretStr(""),
        description="Where to POST while all is well; empty: nowhere. The address is the password, so it is a secret.",
    )
    seconds: float = Field(default=10.0, gt=0, description="Seconds to wait for the answer.")

    def beat(self, said: str) -> bool:
        """Say that all is well. Returns whether there was anybody to say it to.

        Raises `TemporaryError` without the address when nobody took it.
        """
        import httpx

        url = self.url.get_secret_value()
        if not url:
            return False
        try:
            httpx.post(url, content=said.encode(), timeout=self.seconds, trust_env=False).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise TemporaryError(
                f"The heartbeat's monitor answered {error.response.status_code}: check the url of the block."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TemporaryError(f"The heartbeat's monitor could not be reached ({type(error).__name__}).") from None
        return True
